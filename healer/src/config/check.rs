//! Faults that only `build` can see: settings and properties that must fit each other.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use super::{
    Protocol,
    features::{self, Features},
    names::canonical,
    owned, redact,
    source::{Source, Sourced},
    text,
    wrong::{WrongKind, WrongSetting},
};

pub(super) type Properties = BTreeMap<String, Sourced<String>>;

const MAX_POLL: &str = "max.poll.interval.ms";
const SESSION: &str = "session.timeout.ms";

/// Numbers of librdkafka that healer's own settings depend on: canonical name, range, and why.
const NUMBERS: [(&str, RangeInclusive<u64>, &str); 5] = [
    (
        MAX_POLL,
        1_500..=86_400_000,
        "milliseconds: where a stage takes longer, another thread polls after 1.25 s",
    ),
    (SESSION, 1..=3_600_000, "milliseconds"),
    ("max.in.flight.requests.per.connection", 1..=5, "more would break the idempotent producer"),
    ("message.send.max.retries", 1..=2_147_483_647, "the idempotent producer retries"),
    ("queue.buffering.backpressure.threshold", 1..=1, "the idempotent producer needs it"),
];

/// librdkafka's defaults.
const DEFAULT_MAX_POLL: Duration = Duration::from_mins(5);
const DEFAULT_SESSION: Duration = Duration::from_secs(45);

/// One property for itself.
pub(super) fn property(
    name: &str,
    given: &Sourced<String>,
    protocol: Protocol,
    features: Features,
) -> Option<WrongSetting> {
    let word = redact::name(name);
    let wrong = |kind| WrongSetting::new(kind, word, &given.value, &given.source);
    if word.is_empty() || word != name {
        let wrong =
            wrong(WrongKind::Invalid).problem("the name is empty, or goes on with a sign that no name holds");
        return Some(wrong.allowed("a name of librdkafka's, such as `client.id`"));
    }
    if given.value.contains('\0') {
        return Some(wrong(WrongKind::Invalid).problem("it holds a zero byte").allowed("text without one"));
    }
    if let Some(instead) = owned::instead(name, protocol) {
        return Some(wrong(WrongKind::Owned).problem("healer sets this property itself").allowed(instead));
    }
    if let Some((problem, instead)) = owned::of_other_protocol(canonical(name), protocol) {
        return Some(wrong(WrongKind::Conflict).problem(problem).allowed(instead));
    }
    if let Some(feature) = features::missing(features, name, &given.value) {
        return Some(
            wrong(WrongKind::NeedsFeature(feature))
                .problem(format!(
                    "it needs the cargo feature `{feature}`, which this program was built without"
                ))
                .allowed(features::how_to_enable(feature)),
        );
    }
    let (_, range, why) = NUMBERS.iter().find(|(number, ..)| *number == canonical(name))?;
    if given.value.trim().parse().is_ok_and(|number: u64| range.contains(&number)) {
        return None;
    }
    let allowed = format!("a whole number from {} to {} ({why})", range.start(), range.end());
    Some(wrong(WrongKind::Invalid).problem("it is no such number").allowed(allowed))
}

/// Properties that must fit each other.
pub(super) fn together(properties: &Properties, protocol: Protocol, features: Features) -> Vec<WrongSetting> {
    let mut wrong = two_names(properties);
    wrong.extend(default_mechanism(properties, features));
    if protocol == Protocol::Classic {
        wrong.extend(session_below_poll(properties));
    }
    wrong
}

/// The client would take whichever it sees last.
fn two_names(properties: &Properties) -> Vec<WrongSetting> {
    let mut seen: BTreeMap<&str, (&String, &String)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, given) in properties {
        match seen.get(canonical(name)) {
            Some((other, value)) if **value != given.value => wrong.push(
                WrongSetting::new(WrongKind::Conflict, name, &given.value, &given.source)
                    .problem(format!("`{other}` is another name of this property and has another value"))
                    .allowed("one of the two"),
            ),
            Some(_) => {}
            None => {
                seen.insert(canonical(name), (name, &given.value));
            }
        }
    }
    wrong
}

/// SASL without a mechanism means Kerberos to librdkafka.
fn default_mechanism(properties: &Properties, features: Features) -> Option<WrongSetting> {
    let (name, given) = find(properties, "security.protocol")?;
    let sasl = given.value.trim().to_ascii_lowercase().starts_with("sasl_");
    if !sasl || features.gssapi || find(properties, "sasl.mechanisms").is_some() {
        return None;
    }
    Some(
        WrongSetting::new(WrongKind::Conflict, name, &given.value, &given.source)
            .problem(
                "`sasl.mechanisms` is not set, and the default, GSSAPI, needs the cargo feature `gssapi`",
            )
            .allowed("this together with `sasl.mechanisms`, such as `PLAIN`"),
    )
}

fn session_below_poll(properties: &Properties) -> Option<WrongSetting> {
    let (poll, session) = (millis(properties, MAX_POLL), millis(properties, SESSION));
    if poll.unwrap_or(DEFAULT_MAX_POLL) >= session.unwrap_or(DEFAULT_SESSION) {
        return None;
    }
    let (name, given) = find(properties, MAX_POLL).or_else(|| find(properties, SESSION))?;
    let (poll, session) = (poll.unwrap_or(DEFAULT_MAX_POLL), session.unwrap_or(DEFAULT_SESSION));
    Some(
        WrongSetting::new(WrongKind::Conflict, name, &given.value, &given.source)
            .problem(format!(
                "`{MAX_POLL}` ({}) is below `{SESSION}` ({})",
                poll.as_millis(),
                session.as_millis()
            ))
            .allowed(format!("`{MAX_POLL}` of at least `{SESSION}`")),
    )
}

/// Budgets that must end before the group gives up on this member.
pub(super) fn budgets(
    budgets: [(&'static str, Duration, &Source); 2],
    properties: &Properties,
) -> impl Iterator<Item = WrongSetting> {
    let limit = max_poll_interval(properties);
    let late = budgets.into_iter().filter(move |(_, budget, _)| *budget >= limit);
    late.map(move |(name, budget, source)| {
        let shown = humantime::format_duration(budget).to_string();
        WrongSetting::new(WrongKind::Conflict, name, &shown, source)
            .problem("the group would give this member up meanwhile")
            .allowed(format!("less than the property `{MAX_POLL}`, {} ms", limit.as_millis()))
    })
}

/// The longest time between two polls before the group gives a member up.
pub(super) fn max_poll_interval(properties: &Properties) -> Duration {
    millis(properties, MAX_POLL).unwrap_or(DEFAULT_MAX_POLL)
}

fn millis(properties: &Properties, name: &str) -> Option<Duration> {
    find(properties, name)?.1.value.trim().parse().ok().map(Duration::from_millis)
}

/// The property under whichever of its names.
fn find<'a>(properties: &'a Properties, name: &str) -> Option<(&'a str, &'a Sourced<String>)> {
    properties
        .iter()
        .find(|(given, _)| canonical(given) == name)
        .map(|(given, value)| (given.as_str(), value))
}

/// The fault of a required setting that was not given.
pub(super) fn brokers_missing() -> WrongSetting {
    WrongSetting::missing("brokers")
        .problem("it is required and was not given, neither by `.brokers(…)` nor by HEALER_BROKERS")
        .allowed(text::BROKERS.allowed)
}
