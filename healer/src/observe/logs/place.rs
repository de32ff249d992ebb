//! Which record a line is about.

use serde_json::{Map, Value};

use crate::observe::Current;

/// The record, as far as it is known.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) emit_id: Option<Value>,
    pub(super) topic: Option<Value>,
    pub(super) partition: Option<Value>,
    pub(super) offset: Option<Value>,
    pub(super) stage: Option<Value>,
}

impl Place {
    /// Takes it out of an event's fields. They come before the record that the thread works on: the engine also speaks of others.
    pub(super) fn take(own: &mut Map<String, Value>, current: Option<&Current>) -> Self {
        let mut known = |name: &str, of: fn(&Current) -> Value| own.remove(name).or_else(|| current.map(of));
        Self {
            emit_id: known("emit_id", |current| Value::from(current.emit_id.to_string())),
            topic: known("topic", |current| Value::from(&*current.topic)),
            partition: known("partition", |current| Value::from(current.partition)),
            offset: known("offset", |current| Value::from(current.offset)),
            stage: known("stage", |current| Value::from(&*current.stage))
                .filter(|stage| stage.as_str() != Some("")),
        }
    }

    /// The name of the stage's function: of `flights.validate#2`, the second use of `validate`, it is `validate`.
    pub(super) fn function(&self) -> Option<&str> {
        let path = self.stage.as_ref()?.as_str()?;
        path.rsplit('.').next()?.split('#').next()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};
    use uuid::Uuid;

    use super::Place;
    use crate::observe::Current;

    fn current() -> Current {
        let emit_id = Uuid::from_u128(5);
        Current {
            topic: "flights".into(),
            partition: 3,
            offset: 41,
            emit_id,
            stage: "flights.validate#2".into(),
        }
    }

    #[test]
    fn the_record_that_the_thread_works_on_is_known() {
        let place = Place::take(&mut Map::new(), Some(&current()));
        let emit_id = "00000000-0000-0000-0000-000000000005";
        assert_eq!(place.emit_id, Some(json!(emit_id)));
        assert_eq!((place.topic, place.partition), (Some(json!("flights")), Some(json!(3))));
        assert_eq!((place.offset, &place.stage), (Some(json!(41)), &Some(json!("flights.validate#2"))));
    }

    #[test]
    fn the_function_is_the_last_part_of_the_path() {
        let function = |stage: &str| {
            let current = Current { stage: stage.into(), ..current() };
            Place::take(&mut Map::new(), Some(&current)).function().map(str::to_owned)
        };
        assert_eq!(function("flights.validate#2").as_deref(), Some("validate"));
        assert_eq!(function("flights").as_deref(), Some("flights"));
        assert_eq!(function(""), None);
    }

    #[test]
    fn fields_of_the_event_itself_come_first() {
        let own = json!({"partition": "planes[9]", "stage": "planes.land", "wind": 7});
        let mut own: Map<_, _> = serde_json::from_value(own).unwrap();
        let place = Place::take(&mut own, Some(&current()));
        assert_eq!((&place.partition, &place.topic), (&Some(json!("planes[9]")), &Some(json!("flights"))));
        assert_eq!(place.function(), Some("land"));
        assert_eq!(own.keys().collect::<Vec<_>>(), ["wind"]);
        let nowhere = Place::take(&mut own, None);
        assert_eq!((nowhere.emit_id, nowhere.topic, nowhere.stage), (None, None, None));
    }
}
