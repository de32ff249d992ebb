//! Names that are no stages: functions without `#[stage]`, a name that nothing has, a variable.

use healer::prelude::*;

fn clean(line: String) -> String {
    line
}

mod others {
    pub async fn sent(line: String) -> Result<String, String> {
        Ok(line)
    }
}

fn main() {
    let _ = pipeline! { name "first"; kafka::text("lines") => clean => map(|line| line.len()) => heal; };
    let _ = pipeline! { name "last"; kafka::text("lines") => others::sent => heal; };
    let _ = pipeline! { name "misspelt"; kafka::text("lines") => claen => clean => heal; };
    let late = kafka::to_text("late");
    let _ = pipeline! { name "variable"; lines = kafka::text("lines"); lines => late => heal; lines => heal; };
}
