//! Unions by a tag, as serde reads them: an object of the variant's own fields and the tag, and no others.
//!
//! utoipa leaves such objects open, although the types are not; and where a variant is a type of its own, which is closed, it
//! asks for an object that is this type and has a tag besides: there is none.

use std::collections::BTreeMap;

use utoipa::openapi::{
    RefOr, Schema,
    schema::{AdditionalProperties, AllOf, Object},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Says it of every union among the schemas.
pub(super) fn close(schemas: &mut Schemas) {
    let known = schemas.clone();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::OneOf(union)) = schema else { continue };
        for variant in &mut union.items {
            let RefOr::T(variant) = variant else { continue };
            if let Schema::AllOf(parts) = &*variant
                && let Some(whole) = flattened(parts, &known)
            {
                *variant = Schema::Object(whole);
            }
            if let Schema::Object(object) = variant
                && has_tag(object)
            {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
}

/// A type and a tag, as one object.
fn flattened(parts: &AllOf, known: &Schemas) -> Option<Object> {
    let [RefOr::Ref(named), RefOr::T(Schema::Object(tag))] = parts.items.as_slice() else { return None };
    let RefOr::T(Schema::Object(of)) = known.get(named.ref_location.rsplit('/').next()?)? else { return None };
    let mut whole = tag.clone();
    has_tag(tag).then_some(())?;
    whole.properties.extend(of.properties.clone());
    whole.required.extend(of.required.clone());
    whole.description = parts.description.clone().or_else(|| of.description.clone());
    Some(whole)
}

/// Whether a field of the object can have one value only.
fn has_tag(object: &Object) -> bool {
    object.properties.values().any(|field| match field {
        RefOr::T(Schema::Object(field)) => field.enum_values.as_ref().is_some_and(|values| values.len() == 1),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::app;

    #[test]
    fn a_variant_that_is_a_type_of_its_own_has_its_fields_and_the_tag_and_no_others() {
        let document = serde_json::to_value(app::document()).expect("JSON");
        let variants = document["components"]["schemas"]["Checker"]["oneOf"].as_array().expect("a union").clone();
        let of = |name: &str| {
            let found = variants.iter().find(|variant| variant["properties"]["type"]["enum"] == json!([name]));
            found.unwrap_or_else(|| panic!("there is no {name}: {variants:?}"))
        };
        let program = of("program");
        assert!(program["properties"]["program"].is_object() && program["properties"]["args"].is_object(), "{program}");
        assert_eq!(program["required"], json!(["type", "program"]));
        for name in ["exact", "lines", "tokens", "regex", "unordered_lines", "program"] {
            assert_eq!(of(name)["additionalProperties"], false, "{name}");
        }
    }
}
