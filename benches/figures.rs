//! Figures: a mutual's month computed from its rows, and a network's dashboard over a thousand mutuals and twelve months, beside
//! the same rows read by one plain query. `AYNI_BENCH_HOUSEHOLDS` says how large the mutual is (3,200 households are about 16,000
//! persons), `AYNI_BENCH_MUTUALS` how many mutuals the network has, `AYNI_TEST_ENGINE` on which engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement stops where it cannot go on")]
#![allow(clippy::disallowed_types, clippy::float_arithmetic, reason = "seconds are no money")]
#[path = "../tests/support/mod.rs"]
mod support;

use ayni::access::permissions::{OrganisationKind, Role};
use ayni::access::picture::Picture;
use ayni::access::scopes::{FigureScope, SystemScope};
use ayni::db::schema::releases;
use ayni::db::{Db, Wall};
use ayni::error::Error;
use ayni::ids::*;
use ayni::reports::facts::{AgeBands, compute, compute_by_two, definition};
use ayni::reports::measures::{Measure, Sheet};
use ayni::reports::releases::model::{Basis, Release, Source};
use ayni::reports::releases::service::{NewRelease, release};
use ayni::simulation::{Options, simulate};
use chrono::{Months, NaiveDate, TimeZone, Utc};
use diesel::prelude::*;
use std::time::Instant;
use support::database::on_postgres;
use support::{TestDb, World};

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// The middle of several measurements, in milliseconds.
fn middle(mut body: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let begun = Instant::now();
            body();
            begun.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A month of one large mutual from its rows.
fn month(households: u32) {
    let test = TestDb::new();
    let until: NaiveDate = "2026-03-31".parse().unwrap();
    let options = Options { mutuals: 1, households, months: 13, seed: 1, ..Options::default() };
    let begun = Instant::now();
    let db: Db = simulate(test.url.clone(), options, until, |_, _| ()).unwrap();
    let made = begun.elapsed().as_secs_f64();
    let picture = Picture::load(&db).unwrap();
    let mutual = picture.mutuals()[0];
    let scope = SystemScope::of_the_terminal().mutual(&picture, db.clock(), mutual).unwrap();
    let (figures, bands) = (FigureScope::of(&scope), AgeBands::default());
    let february: NaiveDate = "2026-02-01".parse().unwrap();
    let (mut persons, mut of_two) = (0, None);
    let wall = Wall::mutual(scope.mutual());
    let by_two = middle(|| {
        let found = db.read_by_two(wall, |r, beside| compute_by_two(r, beside, &figures, february, until, &bands));
        of_two = Some(found.unwrap());
    });
    let alone = middle(|| {
        let sheet = db.read(wall, |r| compute(r, &figures, february, until, &bands)).unwrap();
        persons = sheet.totals.get(Measure::PersonsRegistered);
        assert_eq!(of_two.as_ref(), Some(&sheet));
    });
    println!(
        "| a mutual's month of {persons} persons ({households} households, history made in {made:.0} s) | {by_two:.0} ms |"
    );
    println!("| the same by one reader alone | {alone:.0} ms |");
}

/// A network's year.
async fn network(mutuals: u32) {
    let mut world = World::new().await;
    let network = world.org("NET");
    world.add_user("platform_analyst@NET", Role::PlatformAnalyst, network);
    let db = &world.test.db;
    let first: NaiveDate = "2025-12-01".parse().unwrap();
    let mut ids = Vec::new();
    for at in 0..mutuals {
        let order = ayni::access::service::terminal_order(db, "bench");
        let new = ayni::organisations::rules::NewOrganisation {
            code: format!("B{at:05}"),
            name: format!("Mutual {at}"),
            kind: OrganisationKind::Mutual,
            country: Some("BI".into()),
            currency: Some("BIF".into()),
            timezone: Some("Africa/Bujumbura".into()),
            card_prefix: None,
        };
        ayni::audit::frame::command(db, &ayni::app::HOOKS, &order, |w| {
            ayni::organisations::service::add(w, &ayni::app::HOOKS, &order, &new, world.org("P1"))
        })
        .unwrap();
        ids.push(OrganisationId::new(order.id.uuid()));
    }
    let mut sheet = Sheet::default();
    for (at, measure) in (1_i64..).zip(Measure::ALL) {
        sheet.totals.set(*measure, at * 1_237);
    }
    for chunk in ids.chunks(50) {
        db.write(Wall::ROOT, |w| {
            for unit in chunk {
                for month in 0..13 {
                    let month = first + Months::new(month);
                    let new = NewRelease {
                        unit: *unit,
                        month,
                        basis: Basis::Closed,
                        source: Source::Register,
                        stock_on: ayni::dates::month_of(month).unwrap().to,
                        currency: "BIF",
                        definition: definition(&AgeBands::default()),
                        note: None,
                        by: None,
                        sheet: &sheet,
                    };
                    release(w, &new)?;
                }
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    world.test.clock.set(Utc.with_ymd_and_hms(2027, 1, 10, 8, 0, 0).unwrap());
    world.parts.access.pictures.reload().unwrap();
    let path = format!("/organisations/{network}/reports/dashboard?period=2026");
    let token = world.token("platform_analyst@NET");
    let mut times = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        let answer = world.get(&path).token(&token).send().await.expect(200);
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        assert!(answer.body["completeness"]["units_expected"].as_u64().unwrap() >= u64::from(mutuals));
    }
    let cold = times.first().copied().unwrap();
    times.sort_by(f64::total_cmp);
    let last: NaiveDate = "2026-12-01".parse().unwrap();
    let bare = middle(|| {
        let rows: Vec<Release> = db
            .read(Wall::ROOT, |r| {
                let standing = releases::table.filter(releases::replaced_by.is_null());
                let standing = standing.filter(releases::month.between(first, last)).select(Release::as_select());
                standing.load(r.conn()).map_err(Error::from)
            })
            .unwrap();
        assert!(rows.len() >= usize::try_from(mutuals).unwrap() * 13);
    });
    println!("| a network's dashboard of {mutuals} mutuals and 12 months | {:.0} ms |", times[4]);
    println!("| the same asked of a server that has just begun | {cold:.0} ms |");
    println!("| the rows of it alone | {bare:.0} ms |");
}

#[actix_web::main]
async fn main() {
    println!("{}", if on_postgres() { "PostgreSQL" } else { "SQLite" });
    println!();
    println!("| | middle of nine |");
    println!("|---|---|");
    network(number("AYNI_BENCH_MUTUALS", 1_000)).await;
    month(number("AYNI_BENCH_HOUSEHOLDS", 3_200));
}
