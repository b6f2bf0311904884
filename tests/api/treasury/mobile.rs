//! Mobile money: statement, webhook, quarantine.
use crate::support::World;
use crate::support::rows::{assert_alike, dump};
use ayni::treasury::mobile::sign;
use serde_json::{Value, json};

const HEAD: &str = "transaction_id,date,amount,currency,account_ref\n";

#[actix_web::test]
async fn a_statement_is_read_line_by_line_with_its_oddities() {
    let world = World::new().await;
    let made = world.home(None, "STANDARD", 1).await;
    let (home, number, card) = (made.text("/id"), made.text("/number"), made.text("/members/0/card_number"));
    let csv = format!(
        "{HEAD}T1,2026-03-09,5500,BIF,{number}\nT1,2026-03-09,5500,BIF,{number}\nT1,2026-03-09,55000,BIF,{number}\n\
         T2,2026-03-09,10,XOF,{number}\nT3,2026-03-10,700,BIF,nobody\nT4,2026-03-10,12.5,BIF,{number}\n\
         T5,2026-03-11,1,BIF,{number}\nT6,2026-03-10,300,BIF,{card}\n"
    );
    let body = json!({"provider": "LUMICASH", "csv": csv});
    let read = world.give("treasurer", "/mobile-money/statements", body.clone()).await.expect(200);
    let results: Vec<Option<&str>> =
        read.body["lines"].as_array().unwrap().iter().map(|line| line["result"].as_str()).collect();
    let expected = ["created", "replayed", "conflict_quarantined", "currency_refused", "created"].map(Some);
    assert_eq!(results[..5], expected);
    assert_eq!(results[5..], [None, None, Some("created")]);
    assert_eq!(read.body["lines"][5]["errors"][0]["code"], "INVALID_MINOR_UNITS");
    assert_eq!(read.body["lines"][6]["errors"][0]["pointer"], "date");
    let counts = ["created", "replayed", "quarantined", "unallocated", "bad", "created_minor"]
        .map(|name| read.body[name].as_i64().unwrap());
    assert_eq!(counts, [3, 1, 2, 1, 2, 6_500]);
    assert_eq!(world.stands("mobile").await, (6_500, 0));
    assert_eq!(world.stands("unallocated").await, (0, 700));
    // The same file again: everything was seen before, nothing moves.
    let again = world.give("treasurer", "/mobile-money/statements", body).await.expect(200);
    assert_eq!((again.body["created"].as_i64(), again.body["created_minor"].as_i64()), (Some(0), Some(0)));
    assert_eq!(world.stands("mobile").await, (6_500, 0));
    let waits = world.read("/mobile-money/quarantine").await;
    let of = |result: &str| -> Vec<String> {
        let rows = waits["items"].as_array().unwrap().iter().filter(|row| row["result"] == result);
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    // Told twice, the contradiction is kept twice.
    assert_eq!((of("created").len(), of("conflict_quarantined").len(), of("currency_refused").len()), (1, 2, 1));
    let event = |id: &str, what: &str| format!("/mobile-money/events/{id}/{what}");
    let (lost, odd) = (&of("created")[0], &of("conflict_quarantined")[0]);
    let reason = json!({"reason": "the operator's error"});
    world.give("treasurer", &event(lost, "dismiss"), reason.clone()).await.refused(409, "wrong_state", &[]);
    world.give("treasurer", &event(odd, "return"), reason.clone()).await.refused(409, "wrong_state", &[]);
    world.give("treasurer", &event(odd, "dismiss"), reason.clone()).await.expect(200);
    world.give("treasurer", &event(odd, "dismiss"), reason.clone()).await.refused(409, "wrong_state", &[]);
    let assigned = world.give("treasurer", &event(lost, "assign"), json!({"household_id": home})).await.expect(200);
    assert_eq!(world.stands("unallocated").await, (700, 700));
    // Given to the wrong household it is taken back, lies unallocated again and can be sent back.
    let path = format!("/payments/{}/reversal", assigned.text("/payment_id"));
    let asked = world.give("treasurer", &path, json!({"reason": "another family"})).await.expect(201);
    world.approve(&asked.text("/approval_id"), "mutual_admin").await.expect(200);
    assert_eq!(world.read("/unallocated?kind=MOBILE").await["items"][0]["amount_minor"], 700);
    world.give("treasurer", &event(lost, "return"), reason).await.expect(200);
    assert_eq!((world.stands("unallocated").await, world.stands("mobile").await), ((1_400, 1_400), (6_500, 700)));
    world.adds_up();
}

#[actix_web::test]
async fn a_file_that_is_none_is_refused_whole() {
    let world = World::new().await;
    let before = dump(&world.test);
    for csv in ["nothing\n1\n", "transaction_id,date\nT1,2026-03-09\n"] {
        let body = json!({"provider": "LUMICASH", "csv": csv});
        let answer = world.give("treasurer", "/mobile-money/statements", body).await;
        assert_eq!((answer.status, answer.pointers()[0]), (422, "/csv"), "{}", answer.text);
    }
    assert_alike(&before, &dump(&world.test));
}

struct Hook {
    path: String,
    secret: Vec<u8>,
}

async fn hook(world: &World) -> Hook {
    let made = world.give("mutual_admin", "/mobile-money/webhooks", json!({"provider": "ECOCASH"})).await.expect(201);
    let secret = data_encoding::HEXLOWER.decode(made.text("/secret").as_bytes()).unwrap();
    Hook { path: made.text("/path"), secret }
}

fn told(number: &str) -> Value {
    json!({"transaction_id": "E1", "amount": "900", "currency": "BIF", "account_ref": number,
        "received_on": "2026-03-10"})
}

#[actix_web::test]
async fn a_webhook_is_believed_where_it_is_signed() {
    let world = World::new().await;
    let number = world.home(None, "STANDARD", 1).await.text("/number");
    let hook = hook(&world).await;
    let now = world.test.db.clock().now().and_utc().timestamp();
    let body = told(&number);
    let send = |timestamp: i64, signature: String, body: &Value| {
        let ask = world.post(&hook.path).header("Ayni-Timestamp", &timestamp.to_string());
        ask.header("Ayni-Signature", &signature).json(body.clone()).send()
    };
    let signed = |at: i64, body: &Value| sign(&hook.secret, at, body.to_string().as_bytes());
    let before = dump(&world.test);
    world.post(&hook.path).json(body.clone()).send().await.refused(401, "signature_refused", &[]);
    send(now, "v1=00".into(), &body).await.refused(401, "signature_refused", &[]);
    send(now, signed(now, &told("H9")), &body).await.refused(401, "signature_refused", &[]);
    send(now + 1, signed(now, &body), &body).await.refused(401, "signature_refused", &[]);
    for late in [now - 301, now + 301] {
        send(late, signed(late, &body), &body).await.refused(401, "signature_expired", &[]);
    }
    let wrong = hook.path.replace(&world.org("KAY").to_string(), &world.org("GIT").to_string());
    let answer = world
        .post(&wrong)
        .header("Ayni-Timestamp", &now.to_string())
        .header("Ayni-Signature", &signed(now, &body))
        .json(body.clone())
        .send()
        .await;
    answer.refused(401, "signature_refused", &[]);
    assert_alike(&before, &dump(&world.test));
    // What is well signed and no payment moves nothing; its body is kept, once however often it comes.
    let amount_of = |amount: &str| {
        let mut bad = body.clone();
        bad["amount"] = json!(amount);
        bad
    };
    for (amount, code, field) in [
        ("9,5", "invalid", "INVALID_AMOUNT"),
        ("0", "amount_refused", "amount_refused"),
        ("9007199254740992", "amount_too_large", "amount_too_large"),
        ("9,5", "invalid", "INVALID_AMOUNT"),
    ] {
        let bad = amount_of(amount);
        send(now, signed(now, &bad), &bad).await.refused(422, code, &[("/amount", field)]);
    }
    let unreadable = actix_web::test::TestRequest::post()
        .uri(&hook.path)
        .peer_addr("127.0.0.1:50000".parse().unwrap())
        .insert_header(("Content-Type", "application/json"))
        .insert_header(("Ayni-Timestamp", now.to_string()))
        .insert_header(("Ayni-Signature", sign(&hook.secret, now, b"{\0")))
        .set_payload(b"{\0".to_vec());
    world.raw(unreadable.to_request()).await.expect(400);
    let kept = world.get(&format!("{}/mobile-money/refused?limit=200", world.mutual("KAY")));
    let kept = kept.as_("treasurer").send().await.expect(200);
    let mut kept: Vec<(String, String)> = kept.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["code"].as_str().unwrap().to_owned(), row["raw"].as_str().unwrap().to_owned()))
        .collect();
    kept.sort();
    let raw = |amount: &str| amount_of(amount).to_string();
    let mut expected = vec![
        ("INVALID_AMOUNT".to_owned(), raw("9,5")),
        ("amount_refused".to_owned(), raw("0")),
        ("amount_too_large".to_owned(), raw("9007199254740992")),
        ("unreadable".to_owned(), "{\u{fffd}".to_owned()),
    ];
    expected.sort();
    assert_eq!(kept, expected);
    assert_eq!(world.stands("mobile").await, (0, 0));
    let first = send(now - 300, signed(now - 300, &body), &body).await.expect(200);
    assert_eq!(first.body["result"], "created");
    assert_eq!(send(now, signed(now, &body), &body).await.expect(200).body["result"], "replayed");
    let mut other = body.clone();
    other["amount"] = json!("9000");
    assert_eq!(send(now, signed(now, &other), &other).await.expect(200).body["result"], "conflict_quarantined");
    assert_eq!(world.stands("mobile").await, (900, 0));
    // The statement tells the same transaction: it was seen before.
    let csv = format!("{HEAD}E1,2026-03-10,900,BIF,{number}\n");
    let read = world.give("treasurer", "/mobile-money/statements", json!({"provider": "ECOCASH", "csv": csv})).await;
    assert_eq!(read.expect(200).body["lines"][0]["result"], "replayed");
    // What was ended is believed no more; the secret is shown once.
    let list = world.get(&format!("{}/mobile-money/webhooks", world.mutual("KAY")));
    let list = list.as_("mutual_admin").send().await.expect(200);
    assert!(list.body["items"][0]["secret"].is_null());
    let end = format!("/mobile-money/webhooks/{}/end", list.text("/items/0/id"));
    world.give_in("treasurer", &end, 1, json!({})).await.expect(403);
    let end = format!("{}{end}", world.mutual("KAY"));
    world.post(&end).as_("mutual_admin").header("If-Match", "\"v1\"").send().await.expect(200);
    send(now, signed(now, &body), &body).await.refused(401, "signature_refused", &[]);
    world.adds_up();
}
