//! A setting that is a name, or a table with a name and parameters: `"relu"` or `{ name = "random_normal", stddev = 0.1 }`.

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Declares the kinds of one setting: an enum with a variant for each `module::Kind`, the modules themselves, and serde for both
/// written forms, in which a kind is called as its module is. Each kind is a struct whose fields are its parameters and which implements
/// `$behaviour`.
#[macro_export]
macro_rules! kinds {
    ($(#[$attribute:meta])* $name:ident: $behaviour:ident { $($module:ident::$kind:ident),+ $(,)? }) => {
        $(mod $module; pub use $module::$kind;)+

        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(#[doc = concat!("[`", stringify!($kind), "`].")] $kind($kind),)+
        }

        impl $name {
            /// Every name, as a recipe spells it.
            pub const NAMES: &[&str] = &[$(stringify!($module)),+];

            /// This kind's name, as a recipe spells it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($module),)+ }
            }

            fn behaviour(&self) -> &dyn $behaviour {
                match self { $(Self::$kind(kind) => kind,)+ }
            }

            /// A kind of size zero has no parameters, and its name says it all.
            fn has_parameters(&self) -> bool {
                match self { $(Self::$kind(kind) => std::mem::size_of_val(kind) > 0,)+ }
            }
        }

        const _: () = {
            #[derive(serde::Serialize, serde::Deserialize)]
            #[serde(tag = "name")]
            #[expect(non_camel_case_types, reason = "serde takes a kind's name in a recipe from its variant here, which is its module's")]
            enum Written { $($module($kind),)+ }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                    let written: Written = $crate::kinds::name_or_table(deserializer)?;
                    Ok(match written { $(Written::$module(kind) => Self::$kind(kind),)+ })
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                    if !self.has_parameters() {
                        return serializer.serialize_str(self.name());
                    }
                    match self.clone() { $(Self::$kind(kind) => Written::$module(kind),)+ }.serialize(serializer)
                }
            }
        };
    };
}
pub use kinds;

/// Reads a `T` that is tagged by `name`, where a plain string stands for a table with nothing but the name.
///
/// # Errors
/// A name or parameter that `T` does not know.
pub fn name_or_table<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(NameOrTable(PhantomData))
}

struct NameOrTable<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for NameOrTable<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name, or a table with a name and its parameters")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<T, E> {
        T::deserialize(MapDeserializer::new(std::iter::once(("name", name))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
