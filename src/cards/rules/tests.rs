//! The code believed and not believed.
use super::*;
use crate::access::keys::{CardKeys, kid_of};
use chrono::Days;
use proptest::prelude::*;

/// Keys made of a fixed seed: PKCS#8 of RFC 8410 around 32 bytes.
fn keys(seed: u8) -> CardKeys {
    let head = data_encoding::HEXLOWER.decode(b"302e020100300506032b657004220420").unwrap();
    CardKeys::from_der(vec![("card-0001".into(), [head, vec![seed; 32]].concat())]).unwrap()
}

fn public(keys: &CardKeys) -> Vec<u8> {
    keys.public().next().unwrap().1.to_vec()
}

fn claims() -> Claims {
    Claims {
        issuer: "KAYANZA".into(),
        number: "1000010000000123".into(),
        initials: "A. N.".into(),
        kind: ProofKind::Card,
        token: [7; 16],
        issued_at: 1_773_093_600,
        expires_at: 1_804_629_600,
    }
}

/// When nothing has expired.
const NOW: i64 = 1_780_000_000;

fn sealed(claims: &Claims, keys: &CardKeys) -> Vec<u8> {
    let kid = kid_of(&public(keys));
    seal(claims, &kid, |message| keys.sign(keys.current(), message).unwrap()).unwrap()
}

fn read(code: &str, keys: &CardKeys, at: i64) -> Result<Claims, Unbelieved> {
    let key = public(keys);
    believe(code, |kid| (kid == kid_of(&key)).then_some(&key), at)
}

#[test]
fn what_was_sealed_is_believed_until_its_last_day_has_ended() {
    let keys = keys(1);
    for kind in ProofKind::ALL {
        let said = Claims { kind: *kind, ..claims() };
        let code = to_code(&sealed(&said, &keys));
        assert_eq!(read(&code, &keys, NOW), Ok(said.clone()));
        assert_eq!(read(&code, &keys, said.expires_at - 1), Ok(said.clone()));
        assert_eq!(read(&code, &keys, said.expires_at), Err(Unbelieved::Expired));
    }
}

#[test]
fn a_code_is_small_and_fits_the_dense_mode_of_qr() {
    let keys = keys(1);
    let message = sealed(&claims(), &keys);
    assert_eq!(message.len(), 160);
    let code = to_code(&message);
    assert_eq!(code.len(), 246);
    assert!(code.bytes().all(|byte| ALPHABET.contains(&byte)), "{code}");
    // The longest that a mutual's code, a household's number and initials can be.
    let longest = Claims { issuer: "K".repeat(20), number: "H".repeat(30), initials: initials("Ŋ", "Ŋ"), ..claims() };
    let message = sealed(&longest, &keys);
    assert!(message.len() < 200, "{}", message.len());
    assert!(to_code(&message).len() * 2 < LONGEST);
    assert!(read(&to_code(&message), &keys, NOW).is_ok());
}

#[test]
fn the_same_facts_give_the_same_code() {
    assert_eq!(sealed(&claims(), &keys(1)), sealed(&claims(), &keys(1)));
}

#[test]
fn every_altered_byte_is_found() {
    let keys = keys(1);
    let message = sealed(&claims(), &keys);
    for at in 0..message.len() {
        for bit in [1, 0x80] {
            let mut altered = message.clone();
            altered[at] ^= bit;
            assert!(read(&to_code(&altered), &keys, NOW).is_err(), "byte {at}");
        }
    }
}

#[test]
fn another_key_is_not_believed() {
    let (ours, theirs) = (keys(1), keys(2));
    let code = to_code(&sealed(&claims(), &theirs));
    assert_eq!(read(&code, &ours, NOW), Err(Unbelieved::UnknownKey));
    // Theirs, under our key's name.
    let kid = kid_of(&public(&ours));
    let forged = seal(&claims(), &kid, |message| theirs.sign(theirs.current(), message).unwrap()).unwrap();
    assert_eq!(read(&to_code(&forged), &ours, NOW), Err(Unbelieved::BadSignature));
}

/// A message signed by our own key, with a header of somebody's choice.
fn with_header(keys: &CardKeys, protected: coset::Header, unprotected: coset::Header) -> String {
    let set = ClaimsSetBuilder::new().issuer("KAYANZA".into()).build();
    let message = CoseSign1Builder::new()
        .protected(protected)
        .unprotected(unprotected)
        .payload(set.to_vec().unwrap())
        .create_signature(b"", |message| keys.sign(keys.current(), message).unwrap())
        .build();
    to_code(&message.to_tagged_vec().unwrap())
}

#[test]
fn another_header_is_not_believed_even_with_our_signature() {
    let keys = keys(1);
    let kid = kid_of(&public(&keys)).to_vec();
    let header = |algorithm| HeaderBuilder::new().algorithm(algorithm).key_id(kid.clone());
    let none = coset::Header::default();
    for algorithm in [iana::Algorithm::ES256, iana::Algorithm::HMAC_256_256, iana::Algorithm::Ed448] {
        let code = with_header(&keys, header(algorithm).build(), none.clone());
        assert_eq!(read(&code, &keys, NOW), Err(Unbelieved::WrongAlgorithm), "{algorithm:?}");
    }
    let unnamed = HeaderBuilder::new().key_id(kid.clone()).build();
    assert_eq!(read(&with_header(&keys, unnamed, none.clone()), &keys, NOW), Err(Unbelieved::WrongAlgorithm));
    let right = || header(iana::Algorithm::EdDSA);
    let critical = right().add_critical(iana::HeaderParameter::Alg).build();
    assert_eq!(read(&with_header(&keys, critical, none.clone()), &keys, NOW), Err(Unbelieved::Malformed));
    // The key's name outside of what is signed.
    let outside = with_header(&keys, right().build(), HeaderBuilder::new().key_id(kid.clone()).build());
    assert_eq!(read(&outside, &keys, NOW), Err(Unbelieved::Malformed));
    // Rightly signed, and nearly nothing said.
    assert_eq!(read(&with_header(&keys, right().build(), none), &keys, NOW), Err(Unbelieved::Malformed));
}

#[test]
fn what_is_cut_short_too_long_or_not_ours_is_refused() {
    let keys = keys(1);
    let message = sealed(&claims(), &keys);
    for length in 0..message.len() {
        assert_eq!(read(&to_code(&message[..length]), &keys, NOW), Err(Unbelieved::Malformed), "{length} bytes");
    }
    let with_more = to_code(&[message.clone(), vec![0]].concat());
    assert_eq!(read(&with_more, &keys, NOW), Err(Unbelieved::Malformed));
    let code = to_code(&message);
    for other in ["", "AYNI1", "AYNI2:00", &code.to_lowercase(), &code[6..], &format!("{code}{}", " ".repeat(LONGEST))]
    {
        assert_eq!(read(other, &keys, NOW), Err(Unbelieved::NotOurs), "{other}");
    }
    // Deeply nested arrays and a length beyond the text.
    for bytes in [vec![0x81; 300], vec![0xd2, 0x84, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(read(&to_code(&bytes), &keys, NOW), Err(Unbelieved::Malformed));
    }
}

#[test]
fn base45_is_that_of_the_standard() {
    for (bytes, text) in [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")]
    {
        assert_eq!(base45(bytes.as_bytes()), text);
        assert_eq!(from_base45(text).as_deref(), Some(bytes.as_bytes()));
    }
    for wrong in ["GGW", ":::", "::", "A", "bb8", "BB8A", "BBé"] {
        assert_eq!(from_base45(wrong), None, "{wrong}");
    }
}

#[test]
fn initials_are_two_letters_at_most() {
    assert_eq!(initials("Espérance Marie", "Ndayizeye"), "E. N.");
    assert_eq!(initials(" 'élise", "-ŋgor"), "É. Ŋ.");
    assert_eq!(initials("", "Ndayizeye"), "N.");
    assert_eq!(initials("-", "?"), "");
}

#[test]
fn a_day_begins_when_it_does_in_the_mutuals_zone() {
    let day = |text: &str| text.parse().unwrap();
    let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp();
    assert_eq!(begins_at(day("2026-03-10"), Tz::Africa__Bujumbura), at("2026-03-10T00:00:00+02:00"));
    assert_eq!(begins_at(day("2026-03-10"), Tz::America__La_Paz), at("2026-03-10T00:00:00-04:00"));
    // On that day clocks in Asunción went from midnight to one.
    assert_eq!(begins_at(day("2023-10-01"), Tz::America__Asuncion), at("2023-10-01T01:00:00-03:00"));
}

#[test]
fn a_proof_counts_through_its_last_day_and_not_once_revoked() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let last = day("2027-02-28");
    assert_eq!(standing(last, None, last), Standing::Valid);
    assert_eq!(standing(last, None, day("2027-03-01")), Standing::Expired);
    assert_eq!(standing(last, Some(day("2026-05-01")), day("2026-05-01")), Standing::Revoked);
    assert_eq!(standing(last, Some(day("2026-05-01")), day("2027-03-01")), Standing::Revoked);
}

#[test]
fn a_card_counts_as_long_as_cover_is_known_or_as_asked_and_three_years_at_most() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let (today, until) = (day("2026-03-10"), day("2027-02-28"));
    assert_eq!(card_expiry(today, None, until), Ok(day("2027-02-28")));
    assert_eq!(card_expiry(today, None, day("2040-01-01")), Ok(day("2029-03-10")));
    assert_eq!(card_expiry(today, Some(day("2029-03-10")), until), Ok(day("2029-03-10")));
    assert_eq!(card_expiry(today, Some(day("2029-03-11")), until), Err(ExpiryRefused::TooLong));
    assert_eq!(card_expiry(today, Some(today), until), Ok(today));
    assert_eq!(card_expiry(today, Some(day("2026-03-09")), until), Err(ExpiryRefused::Past));
    assert_eq!(certificate_expiry(today, None, until), Ok(day("2027-02-28")));
    assert_eq!(certificate_expiry(today, Some(day("2026-04-10")), until), Ok(day("2026-04-10")));
    assert_eq!(certificate_expiry(today, Some(day("2027-03-01")), until), Err(ExpiryRefused::BeyondCover));
}

proptest! {
    #[test]
    fn any_bytes_are_read_back_from_base45(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(from_base45(&base45(&bytes)), Some(bytes));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,900}") {
        let keys = keys(1);
        prop_assert!(read(&text, &keys, NOW).is_err());
        let ours = format!("{PREFIX}{text}");
        prop_assert!(read(&ours, &keys, NOW).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&to_code(&bytes), &keys(1), NOW).is_err());
    }

    #[test]
    fn no_damage_is_believed(at in any::<prop::sample::Index>(), step in 1_u8..=255, cut in 0_usize..20) {
        let keys = keys(1);
        let mut message = sealed(&claims(), &keys);
        let index = at.index(message.len());
        message[index] = message[index].wrapping_add(step);
        message.truncate(message.len() - cut);
        prop_assert!(read(&to_code(&message), &keys, NOW).is_err());
    }

    #[test]
    fn whatever_a_mutual_calls_itself_is_read_back(
        issuer in "[A-Z0-9-]{2,20}", number in "[0-9A-Za-z-]{1,30}", given in "\\PC{0,40}", family in "\\PC{0,40}",
        token in any::<[u8; 16]>(), days in 0_u64..1100, certificate in any::<bool>(),
    ) {
        let issued: NaiveDate = "2026-03-10".parse().unwrap();
        let said = Claims {
            issuer,
            number,
            initials: initials(&given, &family),
            kind: if certificate { ProofKind::Certificate } else { ProofKind::Card },
            token,
            issued_at: begins_at(issued, Tz::Africa__Bujumbura),
            expires_at: begins_at(issued + Days::new(days + 1), Tz::Africa__Bujumbura),
        };
        let keys = keys(1);
        prop_assert_eq!(read(&to_code(&sealed(&said, &keys)), &keys, said.issued_at), Ok(said));
    }
}
