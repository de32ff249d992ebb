//! Honest programs: they compile and run successfully. Those that need a crate of their own are in `ui`.
#![allow(unused, clippy::all, clippy::pedantic)] // code as users write it

/// A module and a test for each file of a folder.
macro_rules! programs {
    ($folder:literal: $($name:ident,)*) => {
        $(
            mod $name;

            #[test]
            fn $name() {
                assert_eq!(std::process::Termination::report($name::main()), std::process::ExitCode::SUCCESS);
            }
        )*

        #[test]
        fn all_are_run() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/honest/", $folder);
            let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
            let mut found: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
            found.sort();
            let mut listed = vec!["mod.rs".to_owned(), $(concat!(stringify!($name), ".rs").to_owned(),)*];
            listed.sort();
            assert_eq!(found, listed);
        }
    };
}
use programs;

mod pipeline;
mod stage;
