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
    let _ = pipeline! { name "first"; kafka::string("lines") => clean => map(|line| line.len()) => heal; };
    let _ = pipeline! { name "last"; kafka::string("lines") => others::sent => heal; };
    let _ = pipeline! { name "misspelt"; kafka::string("lines") => claen => clean => heal; };
    let late = kafka::to_string("late");
    let _ = pipeline! { name "variable"; lines = kafka::string("lines"); lines => late => heal; lines => heal; };
}
