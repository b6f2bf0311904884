//! What every route refuses in the same way, before it does anything.
use crate::samples::*;
use crate::support::{Answer, World};
use actix_web::test::TestRequest;
use ayni::routes::{self, Caller, Method, PREFIX, ROUTES, Route};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A route's sample, called by who succeeds, with any bytes as body.
async fn send(
    world: &World,
    route: &Route,
    change: impl FnOnce(&mut Made) -> (Option<&'static str>, Vec<u8>),
) -> Answer {
    let sample = sample(route);
    let user = world.users[sample.by.0];
    let mut made = (sample.make)(world, Some(user), sample.by.1);
    let (kind, body) = change(&mut made);
    let mut request = TestRequest::default()
        .method(route.method.as_str().parse().unwrap())
        .uri(&format!("{PREFIX}{}", made.path))
        .insert_header(("Authorization", format!("Bearer {}", session_token(world, user))));
    for (name, value) in &made.headers {
        request = request.insert_header((*name, value.as_str()));
    }
    if let Some(kind) = kind {
        request = request.insert_header(("Content-Type", kind));
    }
    world.raw(request.set_payload(body).to_request()).await
}

fn bodies() -> impl Iterator<Item = &'static Route> {
    // A webhook's body is signed as it stands: another one is refused for its signature, which its own tests look at.
    ROUTES.iter().filter(|route| route.body.is_some() && !route.path.starts_with("/webhooks/"))
}

#[actix_web::test]
async fn another_method_is_405_and_says_which_there_are() {
    let world = World::new().await;
    let paths: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
    for path in paths {
        let known: Vec<&str> =
            ROUTES.iter().filter(|route| route.path == path).map(|route| route.method.as_str()).collect();
        let filled: Vec<String> = path
            .split('/')
            .map(|part| if part.starts_with('{') { fresh_id(&world) } else { part.to_owned() })
            .collect();
        for method in METHODS.into_iter().filter(|method| !known.contains(method)) {
            let answer = world.call(method, &filled.join("/")).as_("system_admin").send().await;
            assert_eq!((answer.status, answer.code()), (405, "method_not_allowed"), "{method} {path}");
            let allowed: BTreeSet<&str> = answer.headers["allow"].split(", ").collect();
            assert_eq!(allowed, known.iter().copied().collect(), "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn a_body_of_another_kind_is_415() {
    let world = World::new().await;
    for route in bodies() {
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")] {
            let answer = send(&world, route, |made| (kind, made.body.clone().unwrap().to_string().into())).await;
            assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"), "{} {kind:?}", route.key());
        }
    }
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_413() {
    let world = World::new().await;
    for route in bodies() {
        let answer = send(&world, route, |made| {
            let mut body = made.body.clone().unwrap();
            body["filler"] = json!("x".repeat(route.largest));
            (Some("application/json"), body.to_string().into())
        })
        .await;
        assert_eq!((answer.status, answer.code()), (413, "too_large"), "{}", route.key());
    }
}

#[actix_web::test]
async fn a_body_that_is_no_json_is_400() {
    let world = World::new().await;
    for route in bodies() {
        let deep = "[".repeat(200_000);
        for broken in ["", "{", "{\"a\":1}}", "{\"a\":NaN}", "\u{feff}{}", "nothing", deep.as_str()] {
            let answer = send(&world, route, |_| (Some("application/json"), broken.into())).await;
            assert_eq!((answer.status, answer.code()), (400, "unreadable"), "{} {broken:.20}", route.key());
        }
        let answer = send(&world, route, |_| (Some("application/json"), b"{\"a\":\"\xff\"}".to_vec())).await;
        assert_eq!(answer.status, 400, "{}: no UTF-8", route.key());
    }
}

#[actix_web::test]
async fn an_unknown_field_is_named() {
    let world = World::new().await;
    for route in bodies() {
        let answer = send(&world, route, |made| {
            let mut body = made.body.clone().unwrap();
            body["zzz"] = json!(1);
            (Some("application/json; charset=utf-8"), body.to_string().into())
        })
        .await;
        assert_eq!((answer.status, answer.pointers()), (422, vec!["/zzz"]), "{} {}", route.key(), answer.text);
    }
}

#[actix_web::test]
async fn a_body_of_another_shape_is_refused_and_never_a_fault() {
    let world = World::new().await;
    for route in bodies() {
        for shape in [json!(null), json!([]), json!(7), json!("x"), json!([[{}]])] {
            let answer = send(&world, route, |_| (Some("application/json"), shape.to_string().into())).await;
            assert_eq!(answer.status, 422, "{} {shape}: {}", route.key(), answer.text);
        }
    }
}

/// Into how many tests the routes are dealt, so that they run beside each other.
const SLICES: usize = 6;

async fn try_values(slice: usize) {
    let world = World::new().await;
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(9_223_372_036_854_775_807_i64),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("x\u{0}y"),
        json!("🙂".repeat(500)),
        json!("0000-00-00"),
        json!("9999-12-31"),
        json!("+262142-12-31"),
        json!("-0001-01-01"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!([]),
        json!({}),
        json!("'; DROP TABLE users; --"),
    ];
    let mut tried = 0;
    for route in bodies().skip(slice).step_by(SLICES) {
        tried += 1;
        let sample = sample(route);
        let made = (sample.make)(&world, Some(world.users[sample.by.0]), sample.by.1);
        let fields: Vec<String> = made.body.unwrap().as_object().unwrap().keys().cloned().collect();
        for field in fields {
            for value in &odd {
                let answer = send(&world, route, |made| {
                    let mut body = made.body.clone().unwrap();
                    body[&field] = value.clone();
                    (Some("application/json"), body.to_string().into())
                })
                .await;
                assert!(answer.status < 500, "{} {field} = {value:.60}: {}", route.key(), answer.text);
            }
        }
    }
    assert!(tried > 5, "{tried} routes");
}

macro_rules! slices {
    ($($name:ident = $slice:literal),*) => {
        $(#[actix_web::test]
        async fn $name() {
            super::try_values($slice).await;
        })*
    };
}

mod any_value_in_any_field_is_refused_or_taken_and_never_a_fault {
    slices! { in_slice_0 = 0, in_slice_1 = 1, in_slice_2 = 2, in_slice_3 = 3, in_slice_4 = 4, in_slice_5 = 5 }
}

#[actix_web::test]
async fn any_id_in_any_path_is_refused_or_taken_and_never_a_fault() {
    let world = World::new().await;
    for route in ROUTES.iter().filter(|route| route.path.contains('{')) {
        for id in ["0", "%00", "%ff", "..", "00000000-0000-0000-0000-000000000000", "'", "%F0%9F%99%82", "999999999999"]
        {
            let path: Vec<&str> =
                route.path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
            let ask = world.call(route.method.as_str(), &path.join("/")).as_("system_admin");
            let ask = if route.body.is_some() { ask.json(json!({})) } else { ask };
            let answer = ask.header("If-Match", "\"v1\"").send().await;
            assert!(answer.status < 500, "{} with {id}: {}", route.key(), answer.text);
        }
    }
}

#[actix_web::test]
async fn an_unknown_name_in_the_query_is_named() {
    let world = World::new().await;
    for route in ROUTES.iter().filter(|route| route.query.is_some()) {
        let answer = send(&world, route, |made| {
            made.path.push_str(if made.path.contains('?') { "&zzz=1" } else { "?zzz=1" });
            (None, Vec::new())
        })
        .await;
        assert_eq!((answer.status, answer.pointers()), (422, vec!["zzz"]), "{}", route.key());
        if !matches!(route.answer, routes::Answer::Page(_)) {
            continue;
        }
        let answer = send(&world, route, |made| {
            made.path.push_str(if made.path.contains('?') { "&cursor=%00" } else { "?cursor=%00" });
            (None, Vec::new())
        })
        .await;
        assert_eq!((answer.status, answer.pointers()), (422, vec!["cursor"]), "{}", route.key());
        for cursor in ["x", "W10", &"A".repeat(600)] {
            let answer = send(&world, route, |made| {
                made.path.push_str(&format!("{}cursor={cursor}", if made.path.contains('?') { "&" } else { "?" }));
                (None, Vec::new())
            })
            .await;
            assert_eq!((answer.status, answer.code()), (400, "cursor_invalid"), "{} {cursor}", route.key());
        }
    }
}

#[actix_web::test]
async fn who_may_not_is_told_before_his_body_is_read() {
    let world = World::new().await;
    for route in bodies().filter(|route| route.caller != Caller::Public) {
        let sample = sample(route);
        let made = (sample.make)(&world, None, sample.by.1);
        let answer = world.call(route.method.as_str(), &made.path).json(json!([])).send().await;
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{}", route.key());
    }
}

#[actix_web::test]
async fn a_version_is_asked_for_where_the_table_says_so() {
    let world = World::new().await;
    for route in ROUTES.iter().filter(|route| route.if_match) {
        assert_ne!(route.method, Method::Get, "{}", route.key());
        let ask = async |tag: Option<&str>| {
            send(&world, route, |made| {
                made.headers.retain(|(name, _)| *name != "If-Match");
                made.headers.extend(tag.map(|tag| ("If-Match", tag.to_owned())));
                (
                    Some("application/json"),
                    made.body.as_ref().map_or(Vec::new(), |body: &Value| body.to_string().into()),
                )
            })
            .await
        };
        assert_eq!(ask(None).await.status, 428, "{}", route.key());
        assert_eq!(ask(Some("\"v999\"")).await.status, 412, "{}", route.key());
        assert_eq!(ask(Some("*")).await.status, 412, "{}", route.key());
    }
}
