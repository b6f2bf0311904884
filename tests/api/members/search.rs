//! `POST /mutuals/{m}/members/search` against a naive look at every person, page by page.
use crate::support::World;
use crate::support::register::person;
use serde_json::{Value, json};

const FAMILIES: [&str; 3] = ["Ndayizeye", "Niyonkuru-Nda", "Bigirimana"];
const GIVEN: [&str; 4] = ["Éric", "Jean Éric", "Aline Ndarishize", "Espérance"];

/// Twelve households of four persons, of few names.
async fn people(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for home in 0..12 {
        let members: Vec<Value> = (0..4)
            .map(|at| {
                let born = format!("{}-05-02", 1980 + (home + at) % 3);
                let mut one = person(if at == 0 { "principal" } else { "child" }, GIVEN[(home + 2 * at) % 4], &born);
                one["family_name"] = json!(FAMILIES[home % 3]);
                one
            })
            .collect();
        let body = json!({"registered_on": "2026-03-01", "members": members});
        let path = format!("{}/households", world.mutual("KAY"));
        let made = world.post(&path).as_("registrar").json(body).send().await.expect(201);
        all.extend(made.body["members"].as_array().unwrap().clone());
    }
    all
}

async fn all_pages(world: &World, mut ask: Value) -> Vec<String> {
    let mut found = Vec::new();
    ask["limit"] = json!(5);
    for _ in 0..30 {
        let path = format!("{}/members/search", world.mutual("KAY"));
        let page = world.post(&path).as_("registrar").json(ask.clone()).send().await.expect(200);
        found.extend(page.body["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(cursor) => ask["cursor"] = json!(cursor),
            None => return found,
        }
    }
    panic!("the pages have no end");
}

#[actix_web::test]
async fn pages_hold_each_person_who_fits_once() {
    let world = World::new().await;
    let all = people(&world).await;
    let mut hits = 0;
    for words in
        [vec!["nda"], vec!["er", "nd"], vec!["jean", "eric"], vec!["esper", "big"], vec!["n"; 2], vec!["nday", "nda"]]
    {
        for year in [None, Some(1981)] {
            if words[0].len() < 2 {
                continue;
            }
            let mut expected: Vec<String> = all
                .iter()
                .filter(|one| {
                    let name =
                        format!("{} {}", one["family_name"].as_str().unwrap(), one["given_name"].as_str().unwrap());
                    let folded = ayni::households::rules::fold_name(&name);
                    let has = |word: &&str| folded.split(' ').any(|own| own.starts_with(word));
                    words.iter().all(has)
                        && year
                            .is_none_or(|year: i32| one["birth_date"].as_str().unwrap().starts_with(&year.to_string()))
                })
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect();
            let mut ask = json!({"name": words.join(" ")});
            if let Some(year) = year {
                ask["birth_year"] = json!(year);
            }
            let mut found = all_pages(&world, ask.clone()).await;
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{ask}");
            hits += expected.len();
        }
    }
    assert!(hits > 30, "{hits} persons found in all");
}

#[actix_web::test]
async fn a_large_answer_is_walked_along_its_rarest_word() {
    use ayni::enrolments::search::{After, Asked, find};
    let world = World::new().await;
    people(&world).await;
    let scope = world.scope("KAY");
    let wall = ayni::db::Wall::mutual(scope.mutual());
    let asked = Asked { words: vec!["nd".into(), "er".into()], today: scope.today(), ..Asked::default() };
    // A cursor of the other way makes the small answer of the test take it.
    let mut after = Some(After::Word(String::new(), ayni::ids::Key::NIL));
    let mut walked = Vec::new();
    loop {
        let rows = world
            .test
            .db
            .read(wall, |r| Ok::<_, ayni::error::Error>(find(r, &scope, &asked, after.clone(), 3)?))
            .unwrap();
        let Some((last, ..)) = rows.last() else { break };
        after = Some(last.clone());
        walked.extend(rows.iter().map(|(_, member, _)| member.id));
    }
    let whole = world.test.db.read(wall, |r| Ok::<_, ayni::error::Error>(find(r, &scope, &asked, None, 200)?)).unwrap();
    let mut expected: Vec<_> = whole.iter().map(|(_, member, _)| member.id).collect();
    assert!(expected.len() > 10, "{}", expected.len());
    expected.sort();
    walked.sort();
    assert_eq!(walked, expected);
}
