//! The log lines while nothing happens, and after how long they come.

use std::time::Duration;

use serde_json::Value;
use tracing::subscriber::with_default;
use tracing_subscriber::{layer::SubscriberExt as _, registry};

use super::rig::Rig;
use crate::{
    context::Context,
    observe::{Fate, LogLayer, Written},
};

/// Level and text of each log line that `work` writes.
fn said(work: impl FnOnce()) -> Vec<(String, String)> {
    let written = Written::default();
    with_default(registry().with(LogLayer::json(written.clone())), work);
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        (text("level"), text("msg"))
    };
    written.text().lines().map(line).collect()
}

impl Rig {
    /// The log lines when so much time has passed.
    fn said_after(&mut self, time: Duration) -> Vec<(String, String)> {
        said(|| {
            self.pass(time);
            self.turns(2);
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_member_that_the_group_gives_nothing_says_so_and_says_when_that_is_over() {
    let mut rig = Rig::new();
    // Where nothing happens is looked now and then.
    assert_eq!(rig.said_after(SECOND), []);
    assert_eq!(rig.said_after(4 * SECOND), []);
    assert_eq!(rig.handle.health().waiting.expect("it waits").lasting, 4 * SECOND);
    let said = rig.said_after(SECOND);
    assert!(
        said.len() == 1 && said[0].0 == "WARNING" && said[0].1.starts_with("waiting for partitions"),
        "{said:?}"
    );
    assert_eq!(rig.said_after(44 * SECOND), [], "once is enough for a while");
    let said = rig.said_after(16 * SECOND);
    assert_eq!(said, [("INFO".to_owned(), "still waiting for partitions".to_owned())]);
    rig.group.assign(&[0]);
    let said = self::said(|| {
        rig.turns(2);
        rig.answer_starts();
        rig.pass(SECOND);
        rig.turns(2);
    });
    assert!(said.iter().any(|(_, words)| words == "the wait for partitions is over"), "{said:?}");
    assert_eq!(rig.handle.health().waiting, None);
}

#[test]
fn a_member_from_which_all_was_taken_waits_anew_and_a_look_up_is_no_wait() {
    let waits = |said: &[(String, String)]| said.iter().any(|(_, words)| words.starts_with("waiting for"));
    let mut rig = Rig::new();
    rig.group.assign(&[0]);
    rig.turns(2);
    // The group has given something: the look-up is no matter of the group.
    assert!(!waits(&rig.said_after(10 * SECOND)) && !waits(&rig.said_after(10 * SECOND)));
    rig.answer_starts();
    rig.group.lose(&[0]);
    rig.turns(2);
    assert!(!waits(&rig.said_after(SECOND)) && !waits(&rig.said_after(4 * SECOND)));
    assert!(waits(&rig.said_after(SECOND)));
}

#[test]
fn those_that_were_left_out_are_told_when_their_time_is_over_though_none_comes_after_them() {
    let mut rig = Rig::new().opened(&[0]);
    let said = said(|| {
        for _ in 0..13 {
            let context = Context::reusable("t".into(), 0);
            rig.give_up(Fate::Skipped, context.given_up("t.parse".into(), "torn".to_owned()));
        }
    });
    assert_eq!(said.len(), 10, "{said:?}");
    assert_eq!(rig.said_after(9 * SECOND), []);
    let said = rig.said_after(SECOND);
    assert!(said.len() == 1 && said[0].1.starts_with("3 more in the last 10 s"), "{said:?}");
    assert_eq!(rig.said_after(20 * SECOND), []);
}
