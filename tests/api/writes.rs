//! Every route once, with success: the rows of the command frame that it leaves are those that the route table says.
use crate::samples::*;
use crate::support::World;
use ayni::routes::{ROUTES, Writes};

const FRAME: [&str; 4] = ["commands", "audit_rows", "fact_marks", "changes_pending"];

fn counts(world: &World) -> [i64; 4] {
    FRAME.map(|table| world.test.count(table))
}

#[actix_web::test]
async fn every_route_leaves_the_rows_that_the_table_says() {
    let mut wrong = Vec::new();
    let world = World::new().await;
    for route in ROUTES {
        let sample = sample(route);
        let (user, place) = sample.by;
        let user = *world.users.get(user).unwrap_or_else(|| panic!("{}: no user {user}", sample.key));
        let request = (sample.make)(&world, Some(user), place);
        let token = session_token(&world, user);
        let before = counts(&world);
        let unnamed = "audit_rows a WHERE a.command_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM commands c \
                       WHERE c.mutual_id = a.mutual_id AND c.id = a.command_id)";
        let of_commands = "audit_rows WHERE command_id IS NOT NULL";
        let named_before = world.test.count(of_commands);
        let mut ask = world.call(route.method.as_str(), &request.path).token(&token);
        for (name, value) in &request.headers {
            ask = ask.header(name, value);
        }
        if let Some(body) = request.body {
            ask = ask.json(body);
        }
        let answer = ask.send().await;
        if answer.status >= 300 {
            wrong.push(format!(
                "{} did not succeed as {} in {place}: {} {} (its sample must, see `by` in SAMPLES)",
                sample.key, sample.by.0, answer.status, answer.text
            ));
            continue;
        }
        let after = counts(&world);
        let [commands, audits, marks, changes] = [0, 1, 2, 3].map(|at| after[at] - before[at]);
        let named = world.test.count(of_commands) - named_before;
        let right = match route.writes {
            // Who reads figures may compute them anew, and the marks that this answers go.
            Writes::Nothing => (commands, audits, changes) == (0, 0, 0) && marks <= 0,
            Writes::Audit => (commands, audits, marks, changes) == (0, 1, 0, 0),
            Writes::Command => commands == 1 && audits >= 1 && named == audits && (marks, changes) == (0, 0),
            Writes::Facts => commands == 1 && audits == 1 && named == 1 && marks >= 1 && changes >= 1,
            Writes::Many => commands == 2 && audits == 2 && named == 2 && marks >= 2 && changes >= 2,
        };
        if !right {
            wrong.push(format!(
                "{} says {:?} and wrote {commands} commands, {audits} audit rows ({named} naming a command), {marks} \
                 marks, {changes} changes",
                sample.key, route.writes
            ));
        }
        assert_eq!(world.test.count(unnamed), 0, "{}: an audit row names a command that is not there", sample.key);
        let expected = if route.writes == Writes::Nothing { None } else { Some(route.key()) };
        if let Some(key) = expected
            && world.test.count(&format!("audit_rows WHERE route = '{key}'")) == 0
        {
            wrong.push(format!("{}: its audit row does not name the route {key}", sample.key));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[actix_web::test]
async fn a_refused_command_leaves_no_row() {
    let world = World::new().await;
    let before = counts(&world);
    let again = serde_json::json!({"code": "KAY", "name": "Again", "kind": "federation", "parent_id": world.org("P1")});
    let answer = world.post("/organisations").as_("platform_admin").json(again).send().await.expect(409);
    assert_eq!(answer.code(), "number_taken");
    assert_eq!(counts(&world), before);
}
