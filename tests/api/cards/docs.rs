//! The samples in `docs/samples/`: drawn from invented persons, with a key of invented bytes, so that the same bytes come
//! out each time. The pictures beside them are made from the PDF by hand (`docs/cards.md` says how).
use ayni::access::keys::CardKeys;
use ayni::cards::drawing::{Card, Certificate, Person, card, certificate};
use ayni::cards::model::ProofKind;
use ayni::cards::rules::{Claims, begins_at, initials, seal, to_code};
use ayni::cards::service::token_text;
use ayni::cards::texts::texts_of;
use ayni::households::model::Relationship;
use ayni::households::rules::card_number;
use ayni::language::Language;
use chrono::NaiveDate;
use std::path::Path;

/// The key that signs the samples; whoever reads this can sign with it too.
pub fn sample_keys() -> CardKeys {
    let head = data_encoding::HEXLOWER.decode(b"302e020100300506032b657004220420").unwrap();
    CardKeys::from_der(vec![("card-0001".into(), [head, b"ayni: key of the samples in docs".to_vec()].concat())])
        .unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn number(serial: u32) -> String {
    card_number(&format!("100001{serial:08}")).unwrap()
}

fn code(kind: ProofKind, number: &str, given: &str, family: &str, token: [u8; 16]) -> String {
    let keys = sample_keys();
    let zone = chrono_tz::Tz::Africa__Bujumbura;
    let claims = Claims {
        issuer: "KAYANZA".into(),
        number: number.into(),
        initials: initials(given, family),
        kind,
        token,
        issued_at: begins_at(day("2026-03-10"), zone),
        expires_at: begins_at(day("2027-03-01"), zone),
    };
    let kid = data_encoding::HEXLOWER.decode(keys.current().as_bytes()).unwrap();
    to_code(&seal(&claims, &kid, |message| keys.sign(keys.current(), message).unwrap()).unwrap())
}

fn sample_card() -> Vec<u8> {
    let of = Card {
        mutual: "Mutuelle de santé de Kayanza".into(),
        family_name: "Ndayishimiye".into(),
        given_name: "Espérance Ŋoma".into(),
        number: number(123),
        household: "H000042".into(),
        birth_year: Some(1988),
        issued_on: day("2026-03-10"),
        expires_on: day("2027-02-28"),
        code: code(ProofKind::Card, &number(123), "Espérance Ŋoma", "Ndayishimiye", *b"a sample's token"),
    };
    card(&of, texts_of(Language::French), "fr").unwrap()
}

fn sample_certificate(size: usize) -> Vec<u8> {
    let others = [
        ("Niyonkuru Jean-Bosco", Relationship::Spouse, Some(1984)),
        ("Ndayishimiye Éric", Relationship::Child, Some(2011)),
        ("Ndayishimiye Aïcha Reine-Grâce Marie-Immaculée", Relationship::Child, Some(2015)),
        ("Nkurunziza Côme", Relationship::Parent, None),
    ];
    let mut persons = vec![("Ndayishimiye Espérance Ŋoma", Relationship::Principal, Some(1988))];
    persons.extend(others.iter().cycle().take(size - 1));
    let of = Certificate {
        mutual: "Mutuelle de santé de Kayanza".into(),
        household: "H000042".into(),
        principal: "Espérance Ŋoma Ndayishimiye".into(),
        persons: (123..)
            .zip(persons)
            .map(|(serial, (name, relationship, birth_year))| Person {
                name: name.into(),
                number: number(serial),
                birth_year,
                relationship,
            })
            .collect(),
        issued_on: day("2026-03-10"),
        expires_on: day("2027-02-28"),
        code: code(
            ProofKind::Certificate,
            "H000042",
            "Espérance Ŋoma",
            "Ndayishimiye",
            *b"certificate's own"[..16].as_array().unwrap(),
        ),
        token: token_text(b"certificate's own"[..16].as_array().unwrap()),
    };
    certificate(&of, texts_of(Language::French), "fr").unwrap()
}

/// Compares a sample with what the code draws, or writes it.
fn sample_is(name: &str, drawn: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples").join(name);
    if std::env::var_os("AYNI_WRITE_DOCS").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let found = std::fs::read(&path).unwrap_or_default();
    assert!(
        found == drawn,
        "docs/samples/{name} is not what the code draws; run: AYNI_WRITE_DOCS=1 cargo nextest run docs, and make its picture anew"
    );
}

#[test]
fn docs_samples_card_is_what_is_drawn() {
    let drawn = sample_card();
    println!("{} bytes", drawn.len());
    assert_eq!(drawn, sample_card(), "the same facts give the same bytes");
    assert!(drawn.starts_with(b"%PDF-") && drawn.len() < 40_000);
    sample_is("card.pdf", &drawn);
}

#[test]
fn docs_samples_certificate_is_what_is_drawn() {
    let drawn = sample_certificate(5);
    println!("{} bytes", drawn.len());
    assert_eq!(drawn, sample_certificate(5), "the same facts give the same bytes");
    sample_is("certificate.pdf", &drawn);
    // The persons of the largest household: the PDF says how many pages it has.
    let pages = |size: usize| {
        let drawn = sample_certificate(size);
        String::from_utf8_lossy(&drawn)
            .matches("/Type/Page/")
            .count()
            .max(String::from_utf8_lossy(&drawn).matches("/Type /Page\n").count())
    };
    assert_eq!((pages(1), pages(16), pages(17), pages(52), pages(53)), (1, 1, 2, 2, 3));
}

#[test]
fn docs_samples_have_names_that_are_too_long_for_a_card() {
    let long = "Ŋdayishimiye-Ntirampeba ".repeat(8);
    let of = Card {
        mutual: long.clone(),
        family_name: long.clone(),
        given_name: long.clone(),
        number: long.clone(),
        household: long.clone(),
        birth_year: None,
        issued_on: day("2026-03-10"),
        expires_on: day("2027-02-28"),
        code: code(ProofKind::Card, &number(123), "A", "B", [0; 16]),
    };
    for language in Language::ALL {
        assert!(card(&of, texts_of(*language), language.code()).is_ok());
    }
    assert!(card(&Card { code: "AYNI1:".repeat(1000), ..of }, texts_of(Language::English), "en").is_err());
}
