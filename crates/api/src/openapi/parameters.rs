//! What holds for parameters of every operation.

use utoipa::openapi::{
    RefOr, Schema,
    path::{Operation, ParameterIn},
    schema::{ObjectBuilder, SchemaType, Type},
};

use crate::extract::{KEY_HEADER, MAX_KEY_LENGTH};

/// Takes `null` out of what stands in a path, a query or a header, where there is none; and says what an
/// `Idempotency-Key` may be.
pub(super) fn complete(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.parameter_in == ParameterIn::Header && parameter.name.eq_ignore_ascii_case(KEY_HEADER.as_str()) {
            let schema = ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(MAX_KEY_LENGTH))
                .pattern(Some("^[ -~]+$"));
            parameter.schema = Some(schema.into());
            parameter.description = Some(
                "Makes the request repeatable: sent again with the same key within a day, it gets the first answer \
                 again. Any printable ASCII."
                    .to_owned(),
            );
        } else if let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
            && let SchemaType::Array(types) = &mut object.schema_type
        {
            types.retain(|kind| *kind != Type::Null);
            if let [only] = types.as_slice() {
                object.schema_type = SchemaType::Type(only.clone());
            }
        }
    }
}

/// Whether an operation takes a parameter of that kind.
pub(super) fn has(operation: &Operation, kind: &ParameterIn) -> bool {
    parameters(operation).any(|(found, _)| found == kind)
}

/// Whether an operation takes `Idempotency-Key`.
pub(super) fn takes_key(operation: &Operation) -> bool {
    parameters(operation)
        .any(|(kind, name)| *kind == ParameterIn::Header && name.eq_ignore_ascii_case(KEY_HEADER.as_str()))
}

fn parameters(operation: &Operation) -> impl Iterator<Item = (&ParameterIn, &str)> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some((&parameter.parameter_in, parameter.name.as_str())),
        RefOr::Ref(_) => None,
    })
}
