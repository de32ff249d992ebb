//! How a row of `settings.rs` becomes code.

/// Units as the docs and `humantime` write them.
macro_rules! time {
    ($n:literal ms) => {
        std::time::Duration::from_millis($n)
    };
    ($n:literal s) => {
        std::time::Duration::from_secs($n)
    };
    ($n:literal min) => {
        std::time::Duration::from_mins($n)
    };
    ($n:literal h) => {
        std::time::Duration::from_hours($n)
    };
    ($n:literal day) => {
        std::time::Duration::from_hours($n * 24)
    };
    // of 365.25 days
    ($n:literal years) => {
        std::time::Duration::from_hours($n * 8_766)
    };
}

/// The type of a kind as a row writes it.
macro_rules! kind_type {
    (Number ($type:ty, $($rest:tt)*)) => { Number<$type> };
    (Choice ($type:ty, $($rest:tt)*)) => { Choice<$type> };
    (Optional ($none:literal, $kind:ident $args:tt)) => { Optional<kind_type!($kind $args)> };
    (Required $args:tt) => { Word };
    ($kind:ident $args:tt) => { $kind };
}

/// The value of a kind as a row writes it.
macro_rules! kind {
    (Time ($n:literal $unit:ident, $min:literal $low:ident to $max:literal $high:ident)) => {
        Time { default: time!($n $unit), range: time!($min $low)..=time!($max $high) }
    };
    (Number ($type:ty, $default:literal, $min:literal to $max:literal)) => {
        Number::<$type> { default: $default, range: $min..=$max }
    };
    (Choice ($type:ident, $default:ident)) => { Choice { default: $type::$default } };
    (Ratio ($default:literal)) => { Ratio { default: f64::from($default) } };
    (Flag ($default:literal)) => { Flag { default: $default } };
    (Word ($default:literal, $text:path)) => { Word { default: $default, text: &$text } };
    (Required ($text:path)) => { Word { default: "", text: &$text } };
    (Folder ($none:literal)) => { Folder { none: $none } };
    (Optional ($none:literal, $kind:ident $args:tt)) => { Optional { none: $none, kind: kind!($kind $args) } };
}

/// Default and bounds of a kind, for rustdoc.
macro_rules! default_text {
    (Time ($n:literal $unit:ident, $min:literal $low:ident to $max:literal $high:ident)) => {
        concat!(
            "Default: ",
            $n,
            " ",
            stringify!($unit),
            "; allowed: ",
            $min,
            " ",
            stringify!($low),
            " to ",
            $max,
            " ",
            stringify!($high),
            "."
        )
    };
    (Number ($type:ty, $default:literal, $min:literal to $max:literal)) => {
        concat!("Default: ", $default, "; allowed: ", $min, " to ", $max, ".")
    };
    (Choice ($type:ident, $default:ident)) => {
        concat!("Default: [`", stringify!($type), "::", stringify!($default), "`].")
    };
    (Ratio ($default:literal)) => {
        concat!("Default: ", $default, ".")
    };
    (Flag ($default:literal)) => {
        concat!("Default: ", $default, ".")
    };
    (Word ($default:literal, $text:path)) => {
        concat!("Default: `", $default, "`.")
    };
    (Required ($text:path)) => {
        "Required."
    };
    (Folder ($none:literal)) => {
        concat!("Default: ", $none, ".")
    };
    (Optional ($none:literal, $kind:ident $args:tt)) => {
        concat!("Default: ", $none, ".")
    };
}

/// The last paragraph of a row's documentation.
macro_rules! row_text {
    ($kind:ident $args:tt, $env:ident $(or $also:ident)?) => {
        concat!(
            default_text!($kind $args), " Variable: `", stringify!($env), "`", $(" or `", stringify!($also), "`",)? "."
        )
    };
}

/// Writes, for each row, the value with its default, a setter, a getter or field, and a [`Row`] of `TABLE`.
macro_rules! settings {
    (
        Config {
            $(
                $(#[doc = $doc:literal])+
                $name:ident($arg:ident: $take:ty) -> $out:ty
                    = $kind:ident $args:tt, $env:ident $(or $also:ident)?;
            )+
        }
        $(
            $(#[$about:meta])+
            $Group:ident in $group:ident {
                $(
                    $(#[doc = $gdoc:literal])+
                    $gname:ident($garg:ident: $gtake:ty) as $field:ident: $value:ty
                        = $gkind:ident $gargs:tt, $genv:ident $(or $galso:ident)?;
                )+
            }
        )+
    ) => {
        /// The values of all settings.
        #[derive(Clone)]
        pub(super) struct Values {
            $(pub(super) $name: <kind_type!($kind $args) as Kind>::Value,)+
            $(pub(super) $group: $Group,)+
        }

        impl Default for Values {
            fn default() -> Self {
                Self {
                    $($name: kind!($kind $args).default(),)+
                    $($group: $Group::default(),)+
                }
            }
        }

        impl Config {
            $(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = row_text!($kind $args, $env $(or $also)?)]
                pub fn $name(&self) -> $out {
                    <kind_type!($kind $args) as Kind>::lend(&self.settings.values.$name)
                }
            )+
        }

        $(
            $(#[$about])+
            #[non_exhaustive]
            pub struct $Group {
                $(
                    $(#[doc = $gdoc])+
                    #[doc = ""]
                    #[doc = row_text!($gkind $gargs, $genv $(or $galso)?)]
                    pub $field: $value,
                )+
            }

            impl Default for $Group {
                fn default() -> Self {
                    Self { $($field: kind!($gkind $gargs).default(),)+ }
                }
            }
        )+

        impl ConfigBuilder {
            $(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = row_text!($kind $args, $env $(or $also)?)]
                pub fn $name(self, $arg: $take) -> Self {
                    self.put(stringify!($name), &kind!($kind $args), $arg, |it| &mut it.$name)
                }
            )+
            $($(
                $(#[doc = $gdoc])+
                #[doc = ""]
                #[doc = row_text!($gkind $gargs, $genv $(or $galso)?)]
                pub fn $gname(self, $garg: $gtake) -> Self {
                    self.put(stringify!($gname), &kind!($gkind $gargs), $garg, |it| &mut it.$group.$field)
                }
            )+)+

            /// Takes the settings of the process's environment, on top of those given so far (the later call wins).
            ///
            /// | variable | setting | second name |
            /// | --- | --- | --- |
            $(#[doc = concat!(
                "| `", stringify!($env), "` | [`", stringify!($name), "`](Self::", stringify!($name), ") | ",
                $("`", stringify!($also), "`",)? " |"
            )])+
            $($(#[doc = concat!(
                "| `", stringify!($genv), "` | [`", stringify!($gname), "`](Self::", stringify!($gname), ") | ",
                $("`", stringify!($galso), "`",)? " |"
            )])+)+
            /// | `HEALER_DEAD_LETTER_TOPIC_<STAGE>` | [`dead_letter_topic_of`](Self::dead_letter_topic_of) | |
            /// | `HEALER_KAFKA_<NAME>` | [`set`](Self::set), with `_` for `.`: `HEALER_KAFKA_SECURITY_PROTOCOL=sasl_plaintext` | |
            ///
            /// Yes is `true`, `yes`, `on` or `1`, no is `false`, `no`, `off` or `0`, in small or capital letters. A duration has a unit, such as
            /// `30m`; in a variable of water-healer a number alone is seconds. Both names of a variable may be set to the same value; two
            /// values are an error that names both.
            ///
            /// Another variable that begins with `HEALER_` or `HEALING_` is warned about, once in a process, with the nearest
            /// known name. Where the configuration is wrong the error names them too, and any that is nearly one of these
            /// ([`ConfigError::hints`](crate::ConfigError::hints)).
            #[allow(clippy::wrong_self_convention)] // the word that `Config::from_env` taught the reader
            pub fn from_env(self) -> Self {
                self.from_vars(std::env::vars_os())
            }
        }

        /// All settings, in the order of the print and of errors.
        pub(super) static TABLE: &[Row] = &[
            $(Row {
                name: stringify!($name),
                #[cfg(test)]
                getter: concat!(stringify!($name), "()"),
                #[cfg(test)]
                about: concat!($($doc),+),
                env: stringify!($env),
                also: &[$(stringify!($also))?],
                #[cfg(test)]
                allowed: || kind!($kind $args).allowed(),
                read: |to, row, found| to.read(row, &kind!($kind $args), found, |it| &mut it.$name),
                show: |it| kind!($kind $args).show(&it.$name),
            },)+
            $($(Row {
                name: stringify!($gname),
                #[cfg(test)]
                getter: concat!(stringify!($group), "().", stringify!($field)),
                #[cfg(test)]
                about: concat!($($gdoc),+),
                env: stringify!($genv),
                also: &[$(stringify!($galso))?],
                #[cfg(test)]
                allowed: || kind!($gkind $gargs).allowed(),
                read: |to, row, found| to.read(row, &kind!($gkind $gargs), found, |it| &mut it.$group.$field),
                show: |it| kind!($gkind $gargs).show(&it.$group.$field),
            },)+)+
        ];
    };
}

pub(super) use {default_text, kind, kind_type, row_text, settings, time};
