//! Lists in pages: `?limit=&after=` in, `{items, next}` out.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Params, url::given};
use crate::error::ApiError;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// Which page of a list is asked for.
#[derive(Debug, Clone)]
pub struct Page {
    limit: i64,
    after: Option<String>,
}

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most so many items, 1 to 200; 50 unless given.
    #[serde(default, deserialize_with = "given")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// `next` of the page before; empty for the first page.
    after: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Params(query) = Params::<PageQuery>::from_request_parts(parts, state).await?;
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::field("limit", format!("must be 1 to {MAX_LIMIT}")));
        }
        Ok(Self { limit, after: query.after.filter(|a| !a.is_empty()) })
    }
}

// The OpenAPI document of a list names `Page` itself.
impl IntoParams for Page {
    fn into_params(
        parameter_in_provider: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        PageQuery::into_params(parameter_in_provider)
    }
}

impl Page {
    /// How many rows to fetch: one more than is shown, which tells whether there is a next page.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// What the last shown item of the page before was.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>, ApiError> {
        let Some(cursor) = &self.after else { return Ok(None) };
        let decoded = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.and_then(|text| text.parse().ok()) {
            Some(value) => Ok(Some(value)),
            None => Err(ApiError::field("after", "is not the `next` of a page of this list")),
        }
    }

    /// The page made of [`Page::rows`] rows; `cursor` says what [`Page::after`] will be for the next one.
    pub fn list<R, T, C: Display>(
        &self,
        mut rows: Vec<R>,
        cursor: impl Fn(&R) -> C,
        item: impl FnMut(R) -> T,
    ) -> List<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(cursor(last).to_string()));
        List { items: rows.into_iter().map(item).collect(), next }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct List<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Give this as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_has_a_next_only_if_there_is_more() {
        let page = Page { limit: 2, after: None };
        let first = page.list(vec![1, 2, 3], |n| *n, |n| n);
        assert_eq!(first.items, [1, 2]);
        let next = Page { limit: 2, after: first.next };
        assert_eq!(next.after::<i32>().expect("own cursor"), Some(2));
        let last = next.list(vec![3, 4], |n| *n, |n| n);
        assert_eq!((last.items.as_slice(), last.next), ([3, 4].as_slice(), None));
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for after in ["x", "%%%", "bm90IGEgbnVtYmVy"] {
            let page = Page { limit: 2, after: Some(after.to_owned()) };
            assert!(matches!(page.after::<i32>(), Err(ApiError::Invalid(_))), "{after}");
        }
    }
}
