//! Values whose work is still to be done, where `pipeline!` cannot ask the compiler: chains by hand, and functions that are
//! generic over the type. `App::build` refuses them by the names of their types.

use std::{
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll},
};

use healer::{Error, prelude::*, union};

type Saved = Result<u64, String>;

fn save(line: String) -> Saved {
    Err(line)
}

async fn later(line: String) -> Saved {
    save(line)
}

#[checkpoint]
#[stage]
fn kept<P: Parse>(line: String) -> Vec<P::Out>
where
    P::Out: serde::Serialize,
{
    vec![P::parse(line)]
}

/// The faults of a chain that starts with lines.
macro_rules! faults_of {
    ($(.$method:ident($($value:tt)*))*) => {
        faults(App::new("x").chain(kafka::text("lines").stream("lines")$(.$method($($value)*))*))
    };
}

fn faults(app: App) -> Vec<String> {
    let config = Config::builder().brokers("localhost:9092").build().unwrap();
    match app.build(&config) {
        Ok(_) => Vec::new(),
        Err(Error::Build(error)) => error.faults,
        Err(error) => panic!("{error}"),
    }
}

/// There is one fault, of this node and type; it says which loss the commit would cause, and names the remedy.
fn refused(faults: &[String], path: &str, ty: &str, mend: &str) {
    let [fault] = faults else { panic!("one fault, not {faults:#?}") };
    assert!(fault.starts_with(&format!("`{path}`: it gives `")) && fault.contains(ty), "{fault}");
    assert!(
        fault.contains("committed") && fault.contains(mend) && fault.contains("`healer::Plain`"),
        "{fault}"
    );
}

const FAILED: &str = "core::result::Result<u64, alloc::string::String>";

#[test]
fn what_may_have_failed_is_refused_where_it_counts_as_done() {
    let all = [
        faults_of!(.map(save).heal()),
        faults_of!(.map(save).filter(|saved: &Saved| saved.is_ok()).heal()),
        faults_of!(.map(save).then(kafka::to_json("saved")).map(drop).heal()),
        faults_of!(.map(save).checkpoint().map(drop).heal()),
        faults_of!(.map(save).batch(10).heal()),
        faults_of!(.then(kept::<Strict>::stage()).named("map").map(drop).heal()),
        faults_of!(.map(save).then(kafka::to_json("saved")).checkpoint().batch(10).heal()),
        faults_of!(.map(|line| Some(save(line))).heal()),
        faults_of!(.map(|line| (line.clone(), vec![[Box::new(save(line))]])).heal()),
    ];
    for faults in &all {
        refused(faults, "lines.map", FAILED, "`try_map`");
    }
    let flow = faults_of!(.map(ControlFlow::<String>::Break).heal());
    refused(&flow, "lines.map", "ControlFlow<", "`try_map`");
    refused(
        &faults_of!(.try_map(|line| Ok::<_, String>(save(line))).heal()),
        "lines.try_map",
        FAILED,
        "`try_map`",
    );
}

#[test]
fn what_nobody_ran_is_refused_where_it_counts_as_done() {
    refused(
        &faults_of!(.map(later).heal()),
        "lines.map",
        "later::{{closure}}",
        "await it in an `async` stage",
    );
    refused(&faults_of!(.map(later).batch(2).heal()), "lines.map", "later::{{closure}}", "await it");
    let boxed = |line| Box::pin(later(line)) as Pin<Box<dyn Future<Output = Saved> + Send>>;
    refused(&faults_of!(.map(boxed).heal()), "lines.map", "future::Future<", "await it");
    refused(
        &faults_of!(.map(|line| move || save(line.clone())).heal()),
        "lines.map",
        "{{closure}}",
        "await it",
    );
    let each = |line: String| vec![line].into_iter().map(save);
    refused(&faults_of!(.map(each).heal()), "lines.map", "adapters::map::Map<", "collect it");
}

fn job() -> u8 {
    7
}

extern "C" fn foreign_job() -> u8 {
    7
}

#[test]
fn what_tokio_wraps_and_functions_by_their_names_are_refused() {
    let awaits = "await it in an `async` stage";
    let wrapped = faults_of!(.map(|line| tokio::task::unconstrained(later(line))).heal());
    refused(&wrapped, "lines.map", "Unconstrained<", awaits);
    refused(&faults_of!(.map(|_| job).heal()), "lines.map", "::job", awaits);
    let foreign = faults_of!(.map(|_| foreign_job as extern "C" fn() -> u8).heal());
    refused(&foreign, "lines.map", "extern \"C\" fn() -> u8", awaits);
    let locked = faults_of!(.map(|line| Arc::new(tokio::sync::Mutex::new(save(line)))).heal());
    refused(&locked, "lines.map", FAILED, "`try_map`");
}

#[test]
fn a_branch_and_a_union_are_told_where_they_begin() {
    let ways =
        faults_of!(.map(save).fan_out(healer::Stream::heal).and(|way| way.map(|saved| saved.is_ok()).heal()));
    refused(&ways, "lines.map.heal", FAILED, "`try_map`");
    let (port, both) = union("both");
    let lines = kafka::text("lines").stream("lines").map(save).to(&port);
    refused(&faults(App::new("x").chain(lines).chain(both.heal())), "both", FAILED, "`try_map`");
}

#[test]
fn what_a_later_stage_takes_is_no_fault() {
    assert_eq!(faults_of!(.map(save).map(|saved| saved.is_ok()).heal()), [""; 0]);
    assert_eq!(faults_of!(.map(|line| Plain(save(line))).then(kafka::to_json("saved")).heal()), [""; 0]);
    let (port, both) = union("both");
    let lines = kafka::text("lines").stream("lines").map(save).to(&port);
    assert_eq!(faults(App::new("x").chain(lines).chain(both.try_map(|saved: Saved| saved).heal())), [""; 0]);
}

/// The user of the pipeline chooses the type of a line.
trait Parse: Send + 'static {
    type Out: Send + 'static;
    fn parse(line: String) -> Self::Out;
}

struct Strict;

impl Parse for Strict {
    type Out = Saved;
    fn parse(line: String) -> Saved {
        save(line)
    }
}

struct Lenient;

impl Parse for Lenient {
    type Out = Option<u64>;
    fn parse(line: String) -> Option<u64> {
        line.parse().ok()
    }
}

#[stage]
fn one<P: Parse>(line: String) -> P::Out {
    P::parse(line)
}

#[stage(flat)]
fn many<P: Parse>(line: String) -> Vec<P::Out> {
    vec![P::parse(line)]
}

#[stage(batch)]
fn each<P: Parse>(rows: BatchMut<'_, String>) -> BatchMut<'_, P::Out> {
    rows.map(P::parse)
}

fn generic<P: Parse>() -> [App; 3] {
    [
        pipeline! { name "one"; kafka::text("lines") => one::<P> as "given" => heal; },
        pipeline! { name "many"; kafka::text("lines") => many::<P> as "given" => heal; },
        pipeline! { name "each"; kafka::text("lines") => batch(3) => each::<P> as "given" => heal; },
    ]
}

#[test]
fn in_a_generic_function_the_type_is_looked_at_when_it_is_known() {
    let paths = ["lines.given", "lines.given", "lines.batch.given"];
    for (app, path) in generic::<Strict>().into_iter().zip(paths) {
        refused(&faults(app), path, FAILED, "`try_map`");
    }
    for app in generic::<Lenient>() {
        assert_eq!(faults(app), [""; 0]);
    }
}

/// A list that the user of the pipeline chooses.
trait Split: Send + Sync + 'static {
    type Items: IntoIterator<Item = u64, IntoIter: Send> + Send + 'static;
    fn split(line: String) -> Self::Items;
}

impl Split for Strict {
    type Items = Saved;
    fn split(line: String) -> Saved {
        save(line)
    }
}

impl Split for Lenient {
    type Items = Option<u64>;
    fn split(line: String) -> Option<u64> {
        save(line).ok()
    }
}

mod lists {
    use super::*;

    #[stage(flat)]
    pub(super) fn of_a_trait<S: Split>(line: String) -> S::Items {
        S::split(line)
    }

    #[stage(flat)]
    pub(super) async fn later<S: Split>(line: String) -> S::Items {
        S::split(line)
    }

    #[allow(clippy::unnecessary_wraps, reason = "the signature is what is tested")]
    #[stage(flat)]
    pub(super) fn or_an_error<S: Split>(line: &str, ctx: &Context) -> Result<Option<S::Items>, String> {
        Ok(Some(S::split(format!("{line}{}", ctx.offset()))))
    }

    #[checkpoint]
    #[stage(flat)]
    pub(super) fn kept<S: Split>(line: &String) -> S::Items {
        S::split(line.clone())
    }

    #[stage(flat)]
    pub(super) fn passed_on<I>(list: I) -> I
    where
        I: IntoIterator<Item = u64, IntoIter: Send> + Send + 'static,
    {
        list
    }

    #[stage(flat)]
    pub(super) fn unnamed<S: Split>(line: String) -> impl IntoIterator<Item = u64, IntoIter: Send> + Send {
        S::split(line)
    }

    #[stage(flat)]
    pub(super) async fn unnamed_later<S: Split>(
        line: &String,
        ctx: &Context,
    ) -> Result<impl IntoIterator<Item = u64, IntoIter: Send> + Send, String> {
        Ok(S::split(format!("{line}{}", ctx.offset())))
    }

    #[stage(flat)]
    pub(super) fn of_the_standard_library(line: String) -> std::result::IntoIter<u64> {
        save(line).into_iter()
    }
}

fn split<S: Split>() -> [App; 7] {
    [
        pipeline! { name "x"; kafka::text("lines") => lists::of_a_trait::<S> as "list" => heal; },
        pipeline! { name "x"; kafka::text("lines") => lists::later::<S> as "list" => heal; },
        pipeline! { name "x"; kafka::text("lines") => lists::or_an_error::<S> as "list" => heal; },
        pipeline! { name "x"; kafka::text("lines") => lists::kept::<S> as "list" => heal; },
        pipeline! { name "x"; kafka::text("lines") => map(S::split) as "list" => lists::passed_on::<S::Items> as "list" => heal; },
        pipeline! { name "x"; kafka::text("lines") => lists::unnamed::<S> as "list" => heal; },
        pipeline! { name "x"; kafka::text("lines") => lists::unnamed_later::<S> as "list" => heal; },
    ]
}

#[test]
fn a_result_for_a_list_is_refused_since_its_err_has_no_items() {
    let own =
        pipeline! { name "x"; kafka::text("lines") => lists::of_the_standard_library as "list" => heal; };
    for app in split::<Strict>().into_iter().chain([own]) {
        let faults = faults(app);
        let [fault] = faults.as_slice() else { panic!("one fault, not {faults:#?}") };
        assert!(fault.starts_with("`lines.list") && fault.contains("core::result::"), "{fault}");
        assert!(fault.contains("committed") && fault.contains("`.ok()`"), "{fault}");
    }
    for app in split::<Lenient>() {
        assert_eq!(faults(app), [""; 0]);
    }
}

/// A future of one's own.
struct Mine;

impl Future for Mine {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// An iterator of one's own.
struct Legs(u64);

impl Iterator for Legs {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        Some(self.0)
    }
}

/// A type of one's own that holds a result: it counts as data.
struct Answer(#[allow(dead_code)] Saved);

#[test]
fn by_hand_types_of_ones_own_cannot_be_told_from_data() {
    assert_eq!(faults_of!(.map(|_| Mine).heal()), [""; 0]);
    assert_eq!(faults_of!(.map(|_| Legs(1)).heal()), [""; 0]);
    assert_eq!(faults_of!(.map(|line| Answer(save(line))).heal()), [""; 0]);
}
