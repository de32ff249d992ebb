//! Stages in modules: by path, by `use`, by another name, re-exported.
#![allow(clippy::pedantic)] // code as users write it

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

mod stages {
    use healer::prelude::*;

    use super::Flight;

    #[stage]
    pub(crate) fn validate(flight: Flight) -> Flight {
        flight
    }

    #[stage]
    pub(crate) fn score(flight: Flight) -> Flight {
        flight
    }

    pub mod deeper {
        use healer::prelude::*;

        #[stage]
        pub(crate) fn enrich(flight: super::Flight) -> super::Flight {
            flight
        }
    }
}

pub(crate) use stages::deeper::enrich as exported;
use stages::{score, validate as renamed};

fn main() {
    let app = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights")
            => stages::validate
            => self::stages::deeper::enrich
            => crate::exported
            => renamed
            => score
            => heal;
    };
    println!("{}", app.describe());
}
