//! `POST /mutuals/{m}/members/search`
use super::model::SpanState;
use super::search::{self, After, Asked};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::{Code, Problem, Result};
use crate::households::http::{MemberView, is_number, member_view};
use crate::households::phones::dialled;
use crate::households::rules::fold_name;
use crate::ids::*;
use crate::organisations::store as organisations;
use crate::page::{Ask, Page};
use crate::web::{Body, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most words of a name that are looked for.
const MOST_WORDS: usize = 8;

/// Whom to look for: each that is given must fit, and one at least is.
#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchMembers {
    /// Words of family and given names or their beginnings, in any order, without regard to accents and case.
    #[garde(inner(length(chars, min = 2, max = 120)))]
    #[schema(min_length = 2, max_length = 120)]
    pub name: Option<String>,
    /// Card number, or the number of another system.
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub number: Option<String>,
    /// The person's or the household's phone, in international form or as in the mutual's country.
    #[garde(inner(length(chars, min = 4, max = 30)))]
    #[schema(min_length = 4, max_length = 30)]
    pub phone: Option<String>,
    #[garde(inner(range(min = 1880, max = 2200)))]
    #[schema(minimum = 1880, maximum = 2200)]
    pub birth_year: Option<i32>,
    /// The area in which the household lives, with all areas within it.
    #[garde(skip)]
    pub area_id: Option<AreaId>,
    #[garde(skip)]
    pub group_id: Option<GroupId>,
    /// State of cover on the day `on`.
    #[garde(skip)]
    pub cover: Option<SpanState>,
    /// True: only persons without any cover until `on`.
    #[garde(skip)]
    pub never_covered: Option<bool>,
    /// The day of `cover`; today where it is left out.
    #[garde(skip)]
    pub on: Option<NaiveDate>,
    /// True: also persons who have left or died.
    #[garde(skip)]
    pub former: Option<bool>,
    /// Rows, 1 to 200.
    #[garde(skip)]
    pub limit: Option<u16>,
    /// From the page before.
    #[garde(skip)]
    pub cursor: Option<String>,
}

/// `POST /mutuals/{m}/members/search`
pub async fn search(guard: Guard<need::RegisterRead, MutualScope>, body: Body<SearchMembers>) -> Result<HttpResponse> {
    let asked = body.value;
    let given = asked.name.is_some()
        || asked.number.is_some()
        || asked.phone.is_some()
        || asked.birth_year.is_some()
        || asked.area_id.is_some()
        || asked.group_id.is_some()
        || asked.cover.is_some()
        || asked.never_covered == Some(true);
    if !given {
        return Err(Problem::field("/name", "missing", "give a name, a number, a phone or something else").into());
    }
    if asked.cover.is_some() && asked.never_covered == Some(true) {
        return Err(Problem::field("/never_covered", "unexpected", "not together with `cover`").into());
    }
    let words: Vec<String> = asked
        .name
        .as_deref()
        .map(fold_name)
        .iter()
        .flat_map(|name| name.split(' '))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if asked.name.is_some() && (words.is_empty() || words.len() > MOST_WORDS) {
        return Err(Problem::field("/name", "out_of_bounds", format!("1 to {MOST_WORDS} words")).into());
    }
    let year = |year: i32| Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year, 12, 31)?));
    let today = guard.scope.today();
    let cover = match (asked.cover, asked.never_covered) {
        (Some(state), _) => Some((Some(state), asked.on.unwrap_or(today))),
        (None, Some(true)) => Some((None, asked.on.unwrap_or(today))),
        _ => None,
    };
    let filter = Asked {
        words,
        number: asked.number.clone(),
        phone: None,
        birth_year: asked.birth_year.and_then(year),
        areas: None,
        group: asked.group_id,
        cover,
        former: asked.former.unwrap_or(false),
        today,
    };
    let (phone, area) = (asked.phone.clone(), asked.area_id);
    let ask = Ask::new(asked.limit, asked.cursor.as_deref(), &format!("search {filter:?} {phone:?} {area:?}"))?;
    // What was looked for stands in the audit; where in the pages does not.
    let noted = serde_json::json!(SearchMembers { limit: None, cursor: None, ..asked });
    let page: Page<MemberView> = guard
        .read(move |r, scope| {
            let mut filter = filter.clone();
            if let Some(raw) = &phone {
                let told = dialled(r, scope.mutual(), &[Some(raw)], |_| "/phone".into())?;
                filter.phone = told.into_iter().next().flatten().map(|phone| phone.e164);
            }
            if let Some(area) = area {
                filter.areas = Some(organisations::list_within(r, area)?);
            }
            let after = match ask.after_two::<String, MemberId>()? {
                None => None,
                Some((first, id)) => Some(After::read(&first, id).ok_or(Problem::of(Code::CursorInvalid))?),
            };
            let rows = search::find(r, scope, &filter, after, ask.fetch())?;
            Ok(ask.page(rows, |(at, ..)| at.key(), |(_, member, stay)| member_view((member, stay))))
        })
        .await?;
    guard.note("member", page.items.iter().map(|member| member.id.uuid()), Some(noted)).await?;
    Ok(shown(&page))
}
