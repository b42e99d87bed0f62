//! Posts of a page, with the fields that are asked for: <https://developers.facebook.com/docs/graph-api/reference/pagepost>.

use serde_json::{Value, json};

use crate::dates;
use crate::draw::Draws;
use crate::prose;
use crate::timeline::time_ms;

/// `{page-id}_{post-id}`.
pub(super) fn id(page: &str, id: u64) -> String {
    format!("{page}_{id}")
}

pub(super) fn all(page: &str, ids: &[u64], fields: &str) -> Value {
    ids.iter().map(|&id| post(page, id, fields)).collect()
}

fn post(page: &str, item: u64, fields: &str) -> Value {
    let mut draws = Draws::new(item, 6);
    let message = prose::sentence(&mut draws, 6, 40);
    let time = dates::iso_basic_offset(time_ms(item));
    let mut post = json!({"id": id(page, item)});
    for field in names(fields) {
        let value = match field {
            "created_time" | "updated_time" => json!(time),
            "message" => json!(message),
            "permalink_url" => json!(format!("https://www.facebook.example/{page}/posts/{item}")),
            "from" => json!({"name": format!("Page {page}"), "id": page}),
            "status_type" => json!("mobile_status_update"),
            "is_published" => json!(true),
            "full_picture" if draws.below(3) == 0 => {
                json!(format!("https://scontent.facebook.example/{item}.jpg"))
            }
            // There is nothing to say of the others, and what is empty is left out.
            _ => continue,
        };
        post[field] = value;
    }
    post
}

/// The names on the first level of a field list such as `id,from{id,name},attachments.limit(5){url}`.
fn names(fields: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let separates = |c: char| {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    fields.split(separates).filter_map(|field| field.split(['{', '(', '.']).next()).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_on_their_first_level() {
        assert_eq!(
            names("id,from{id,name},attachments.limit(5){url,media{image}}"),
            ["id", "from", "attachments"]
        );
        assert_eq!(names(""), [""]);
    }
}
