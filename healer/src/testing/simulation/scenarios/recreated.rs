//! A topic that is deleted and made anew: nothing that is known of the old one counts for the new one.

use super::*;

/// A member that has 3 and 5 of the offsets 0 to 9 at work, and has committed 3 with a claim of the others above.
fn at_work(play: &mut Play<'_>) {
    play.write_waiting(0, 10, |offset| offset == 3 || offset == 5);
    play.start(0);
    play.until("3 is committed, and what is done above it", |play| {
        let last = play.commits(0).pop();
        let done = play.status(0, 0).is_some_and(|status| (status.pending, status.position) == (2, 10));
        done && last.is_some_and(|last| last.offset == 3 && Play::claim(0, 3, &last.metadata).is_some())
    });
    play.pass(SECOND);
}

/// The offsets at which records of the new topic ran.
fn others(play: &Play<'_>) -> Vec<i64> {
    let all = play.ran();
    let others = all.iter().filter(|ran| ran.value.starts_with("other"));
    others.map(|ran| ran.offset).collect()
}

fn write_others(play: &mut Play<'_>) {
    play.write_each(0, (0..10).map(|number| format!("other {number}")));
}

#[test]
fn a_running_member_reads_the_new_topic_from_its_beginning_and_old_results_are_fenced() {
    Ground::new(1, 1).play(|play| {
        at_work(play);
        play.happen(&Fault::Recreate { topic: 0 });
        // Until it is known that it is another one: a log of the same length looks the same.
        play.until("it reads the new topic", |play| {
            play.status(0, 0).is_some_and(|status| status.position == 0)
        });
        write_others(play);
        play.until("the new records ran", |play| others(play).len() == 10);
        play.let_go("wait 3");
        play.let_go("wait 5");
        play.until("they are committed", |play| play.committed(0) == Some(10));
        assert_eq!(others(play), (0..10).collect::<Vec<_>>(), "each once, none taken for done");
        let report = play.stop(0);
        assert_eq!((report.records, report.fenced), (18, 2));
    });
}

#[test]
fn a_member_that_starts_later_takes_nothing_from_store_or_commit_of_the_old_topic() {
    Ground::new(1, 1).play(|play| {
        at_work(play);
        play.kill(0);
        play.happen(&Fault::Recreate { topic: 0 });
        write_others(play);
        play.start(0);
        play.until("all is committed", |play| play.committed(0) == Some(10));
        assert_eq!(others(play), (0..10).collect::<Vec<_>>());
        play.rest();
    });
}

#[test]
fn a_member_that_starts_at_the_same_offset_of_another_topic_believes_no_old_claim() {
    Ground::new(1, 1).play(|play| {
        at_work(play);
        play.kill(0);
        let (offset, text) = play.committed_with_text(0).expect("3 is committed");
        play.happen(&Fault::Recreate { topic: 0 });
        write_others(play);
        // As if it had been committed by name for the new one.
        play.reset(0, offset, &text);
        play.start(0);
        play.until("all is committed", |play| play.committed(0) == Some(10));
        assert_eq!(others(play), (3..10).collect::<Vec<_>>());
        play.rest();
    });
}

#[test]
fn the_policy_decides_where_the_client_says_that_the_offset_is_gone() {
    Ground::new(1, 1).protocols(&CLASSIC).config(|config| config.out_of_range(OutOfRange::Error)).play(
        |play| {
            at_work(play);
            play.happen(&Fault::Recreate { topic: 0 });
            play.until("it has ended", |play| play.ended(0).is_some());
            let Some(Err(Error::Start(error))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
            let text = error.to_string();
            assert!(text.contains("offset 10 of t[0], which holds offsets 0 up to 0"), "{text}");
        },
    );
}
