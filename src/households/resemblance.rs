//! Whether two registrations are probably the same person (R50): keys under which two records of one person meet, and
//! points for how alike they are. A probable duplicate is flagged for the office and never refused, so that a wrong
//! flag costs a look and a missed one a double card.
//!
//! The points stand below as constants. What is not known of both is neither for nor against. Phone, area and head say
//! together that it is one household, which brothers, sisters and twins have in common too. So neither another given
//! name nor the father's name given to his son reaches the threshold; the same name and day of birth in another
//! household do.
use super::model::{BirthPrecision, Sex};
use super::rules::fold_name;
use chrono::{Datelike, NaiveDate};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// From so many points on two records are probably one person.
pub const THRESHOLD: u32 = 60;

/// Whole names, as sets of words in any order. Where each has a word that the other has not, there are no points.
const NAME: i32 = 50;
/// Many share a name of one word.
const NAME_OF_ONE_WORD: i32 = -10;
const ONE_WORD_MISSPELT: i32 = -20;
const MORE_WORDS_MISSPELT: i32 = -26;
/// Words that only one record has, where more words agree, and where one does.
const WORDS_MISSING: i32 = -16;
const ALL_WORDS_BUT_ONE_MISSING: i32 = -30;

/// Births that both records know to the day.
const SAME_DAY: i32 = 25;
/// Two of day, month and year, or all with day and month swapped, at most two years apart.
const SLIP_IN_DATE: i32 = 7;
const OTHER_DAY_OF_YEAR: i32 = -10;
const OTHER_DAY_WITHIN_TWO_YEARS: i32 = -16;
/// Births of which one or both are known to the month or the year only.
const SAME_MONTH: i32 = 15;
const SAME_YEAR: i32 = 8;
const WITHIN_TWO_YEARS: i32 = 4;
/// Births more than two years apart.
const OTHER_YEAR: i32 = -25;

const SAME_SEX: i32 = 5;
/// And names then count only where they are spelt alike.
const OTHER_SEX: i32 = -15;

const SAME_PHONE: i32 = 12;
const OTHER_PHONE: i32 = -12;
const SAME_AREA: i32 = 9;
const OTHER_AREA: i32 = -4;
/// The heads of the households, where neither person is one: a head's own name says nothing more.
const SAME_HEAD: i32 = 8;
const OTHER_HEAD: i32 = -4;
/// Phone, area and head together are worth no more than this.
const HOUSEHOLD_MAX: i32 = 20;

/// Names of more words than this are compared by their first ones.
const WORDS_MAX: usize = 8;
/// And words of more letters by theirs.
const LETTERS_MAX: usize = 40;
/// A key is cut here: what it loses only lets more records meet.
const KEY_LETTERS_MAX: usize = 120;
/// The place within a key here, so that the word and the years stay whole.
const PLACE_LETTERS_MAX: usize = 60;

/// Words that names are written with and without.
const PARTICLES: &[&str] =
    &["al", "ben", "bin", "binti", "da", "de", "del", "di", "do", "dos", "du", "el", "ibn", "la", "las", "los"];

/// What is known of a person when records are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub family_name: String,
    pub given_name: String,
    /// Other and unknown speak neither for nor against.
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    pub birth_precision: BirthPrecision,
    /// The person's or the household's, in international form.
    pub phone: Option<String>,
    /// Where the household lives.
    pub area: Option<Uuid>,
    /// Whole name of the household's principal; the person's own where he or she is it.
    pub head_name: Option<String>,
}

/// A person's name, by which most who are no probable duplicates are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub family_name: String,
    pub given_name: String,
    pub sex: Sex,
}

/// What stands beside the letters that are rewritten.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Anything,
    /// The beginning or the end of the word.
    Edge,
    Vowel,
    /// Anything but a vowel.
    NoVowel,
    /// A vowel that softens c, g and q.
    Front,
}

impl Beside {
    fn is(self, letter: Option<char>) -> bool {
        let vowel = letter.is_some_and(|letter| "aeiou".contains(letter));
        match self {
            Beside::Anything => true,
            Beside::Edge => letter.is_none(),
            Beside::Vowel => vowel,
            Beside::NoVowel => !vowel,
            Beside::Front => letter.is_some_and(|letter| "eiy".contains(letter)),
        }
    }
}

/// Letters that are written in more than one way.
struct Rewrite {
    from: &'static str,
    to: &'static str,
    after: Beside,
    before: Beside,
    /// Only in a word that keeps at least so many letters.
    leaves: usize,
    /// The letters of `from`.
    needs: u32,
}

/// Which Latin letters there are, a bit for each.
const fn letters_of(word: &str) -> u32 {
    let mut found = 0;
    let mut left = word.as_bytes();
    while let [first, rest @ ..] = left {
        found |= bit(*first as char);
        left = rest;
    }
    found
}

const fn bit(letter: char) -> u32 {
    match letter {
        'a'..='z' => 1 << (letter as u32 - 'a' as u32),
        _ => 0,
    }
}

const fn anywhere(from: &'static str, to: &'static str) -> Rewrite {
    Rewrite { from, to, after: Beside::Anything, before: Beside::Anything, leaves: 1, needs: letters_of(from) }
}

const fn before(beside: Beside, from: &'static str, to: &'static str) -> Rewrite {
    Rewrite { from, to, after: Beside::Anything, before: beside, leaves: 1, needs: letters_of(from) }
}

const fn first(from: &'static str, to: &'static str) -> Rewrite {
    Rewrite { from, to, after: Beside::Edge, before: Beside::Anything, leaves: 1, needs: letters_of(from) }
}

const fn last(from: &'static str, to: &'static str, leaves: usize) -> Rewrite {
    Rewrite { from, to, after: Beside::Anything, before: Beside::Edge, leaves, needs: letters_of(from) }
}

/// The rewrites in their order; doubled letters become one after each. What one takes away no other brings back, so
/// that repeating them all comes to an end.
const REWRITES: &[Rewrite] = &[
    // French: Joel keeps its two vowels, which are one in Soekarno.
    first("joel", "jol"),
    // French: Joseph.
    anywhere("ph", "f"),
    // French and English: Tchiza, Tshibangu; Christine.
    anywhere("tch", "ch"),
    anywhere("tsh", "sh"),
    anywhere("chr", "kr"),
    anywhere("chl", "kl"),
    // Kirundi, French and Wolof: Nshimirimana, Cheikh, Ciza.
    anywhere("sh", "s"),
    anywhere("ch", "s"),
    // All: Thérèse, Khady, Hakizimana, Mohamed.
    anywhere("h", ""),
    // Indonesian, old and new: Tjahjono and Cahyono. Wolof and French: Thiam and Caam.
    anywhere("tj", "c"),
    before(Beside::Vowel, "ti", "c"),
    before(Beside::Vowel, "ty", "c"),
    // Indonesian, old and new: Sjarif, Syarif.
    anywhere("sj", "s"),
    before(Beside::Vowel, "sy", "s"),
    // French and Spanish: Quispe, Guèye, Huamán; Kirundi and French: Cyprien.
    before(Beside::Front, "qu", "k"),
    anywhere("q", "k"),
    before(Beside::Front, "gu", "g"),
    first("gua", "ua"),
    before(Beside::Front, "c", "s"),
    anywhere("c", "k"),
    anywhere("x", "ks"),
    // Spanish: Rodríguez and Rodrigues, Vargas and Bargas; Kirundi: Havyarimana and Habyarimana.
    anywhere("z", "s"),
    anywhere("v", "b"),
    // French and Wolof: Ouattara and Watara, Diouf and Juuf. Indonesian, old and new: Soekarno. French: Claude.
    anywhere("w", "u"),
    anywhere("oe", "u"),
    anywhere("ou", "u"),
    before(Beside::NoVowel, "eau", "o"),
    before(Beside::NoVowel, "au", "o"),
    // Kirundi: Ndayishimiye and Ndaishimye, Niyonzima and Nionzima.
    anywhere("yi", "i"),
    before(Beside::Vowel, "iy", "y"),
    // i, y and j are one sound before a vowel and one elsewhere: Yusuf, Jusuf and Youssouf, Ndiaye and Njaay.
    before(Beside::Vowel, "i", "j"),
    before(Beside::Vowel, "y", "j"),
    before(Beside::NoVowel, "y", "i"),
    before(Beside::NoVowel, "j", "i"),
    // Indonesian, old and new: Djoko and Joko. Wolof and French: Diop, Dyop and Joob.
    anywhere("dj", "j"),
    // Kirundi and Spanish: Mbonimpa and Mboninpa. French: Agnès.
    anywhere("nb", "mb"),
    anywhere("np", "mp"),
    anywhere("gn", "n"),
    // Kirundi, whose names are long: Ndayiragije and Ndayilagije. In short words it would make one of Sall and Sarr.
    Rewrite { from: "l", to: "r", after: Beside::Vowel, before: Beside::Vowel, leaves: 7, needs: letters_of("l") },
    // Arabic names everywhere: Muhammad and Mohamed, Ahmad and Ahmed.
    first("muam", "moam"),
    last("amad", "amed", 4),
    // French: silent ends, as in Diope, Jacques, Denise. What is left still tells Cissé from Sy.
    last("s", "", 4),
    last("e", "", 3),
    // Wolof and Indonesian: Joob and Diop, Ahmed and Amet.
    last("b", "p", 3),
    last("d", "t", 3),
];

impl Rewrite {
    fn length(&self) -> usize {
        self.from.len()
    }

    fn fits(&self, word: &[char], at: usize) -> bool {
        let end = at + self.length();
        let mut letters = word.get(at..).unwrap_or_default().iter();
        self.from.bytes().all(|letter| letters.next() == Some(&char::from(letter)))
            && self.after.is(at.checked_sub(1).and_then(|earlier| word.get(earlier)).copied())
            && self.before.is(word.get(end).copied())
            && word.len() + self.to.len() >= self.leaves + self.length()
    }

    /// Rewrites a word; false where there is nothing to rewrite.
    fn apply(&self, word: &mut Vec<char>) -> bool {
        if !(0..word.len()).any(|at| self.fits(word, at)) {
            return false;
        }
        let mut written = Vec::with_capacity(word.len() + 1);
        let mut at = 0;
        while let Some(letter) = word.get(at) {
            if self.fits(word, at) {
                written.extend(self.to.chars());
                at += self.length();
            } else {
                written.push(*letter);
                at += 1;
            }
        }
        undouble(&mut written);
        *word = written;
        true
    }
}

/// Doubled Latin letters become one; other scripts are left alone.
fn undouble(word: &mut Vec<char>) {
    word.dedup_by(|letter, before| letter == before && letter.is_ascii_lowercase());
}

/// The sound of a folded word: what is spelt in several ways in Kirundi, French, Wolof, Spanish and Indonesian is spelt
/// in one, for comparing only. Folding a sound changes nothing.
pub fn fold_sound(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    undouble(&mut letters);
    let all = |letters: &[char]| letters.iter().fold(0, |found, letter| found | bit(*letter));
    let mut there = all(&letters);
    loop {
        let before = letters.clone();
        for rewrite in REWRITES {
            // Most words have nothing to rewrite, which their letters say.
            if rewrite.needs & there == rewrite.needs && rewrite.apply(&mut letters) {
                there = all(&letters);
            }
        }
        if letters == before {
            return letters.into_iter().collect();
        }
    }
}

/// A word of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    sound: Arc<str>,
    folded: Arc<str>,
}

/// Whether a lone N or M is the beginning of the next word, as in N'Diaye and M'Baye.
fn begins(letter: &str, next: &str) -> bool {
    next.chars().next().is_some_and(|consonant| match letter {
        "n" => "dgjkt".contains(consonant),
        "m" => "bp".contains(consonant),
        _ => false,
    })
}

/// Words, and names, that are remembered; where there are more, all are forgotten. A mutual of thirty thousand families has fewer
/// words.
const REMEMBERED: usize = 65_536;

/// What was folded before.
#[derive(Debug, Default)]
struct Folds {
    /// Sounds of folded words.
    sounds: HashMap<String, Arc<str>>,
    /// Words of names.
    names: HashMap<String, Arc<[Word]>>,
}

/// What was folded before, by whomever: what persons are called repeats itself, and folding it takes longer than all else that is
/// compared of it.
static KNOWN: LazyLock<RwLock<Folds>> = LazyLock::new(RwLock::default);

/// Words of names and their sounds: those that this use is the first to fold, which become known with its end.
#[derive(Debug, Default)]
pub struct Sounds(Folds);

impl Sounds {
    fn word(&mut self, folded: &str) -> Word {
        let folded: String = folded.chars().take(LETTERS_MAX).collect();
        let own = self.0.sounds.get(&folded).cloned();
        let known = own.or_else(|| KNOWN.read().unwrap_or_else(PoisonError::into_inner).sounds.get(&folded).cloned());
        let sound = known.unwrap_or_else(|| {
            let sound: Arc<str> = fold_sound(&folded).into();
            self.0.sounds.insert(folded.clone(), sound.clone());
            sound
        });
        Word { sound, folded: folded.into() }
    }

    /// The words of a name that tell persons apart, each once, in the order in which they are written.
    fn words(&mut self, name: &str) -> Arc<[Word]> {
        let own = self.0.names.get(name).cloned();
        let known = own.or_else(|| KNOWN.read().unwrap_or_else(PoisonError::into_inner).names.get(name).cloned());
        known.unwrap_or_else(|| {
            let words: Arc<[Word]> = words(name, self).into();
            self.0.names.insert(name.to_owned(), words.clone());
            words
        })
    }
}

impl Drop for Sounds {
    fn drop(&mut self) {
        fn remember<V>(known: &mut HashMap<String, V>, new: &mut HashMap<String, V>) {
            if known.len() + new.len() > REMEMBERED {
                known.clear();
            }
            known.extend(new.drain().take(REMEMBERED));
        }
        let Folds { sounds, names } = &mut self.0;
        if sounds.is_empty() && names.is_empty() {
            return;
        }
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        remember(&mut known.sounds, sounds);
        remember(&mut known.names, names);
    }
}

/// Folds names of persons, family and given, that will be compared soon, where nobody waits for it.
pub fn sound_out<'a>(persons: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut sounds = Sounds::default();
    for (family, given) in persons {
        sounds.words(family);
        sounds.words(given);
        sounds.words(&whole_name(family, given));
    }
}

fn whole_name(family: &str, given: &str) -> String {
    format!("{family} {given}")
}

fn words(name: &str, sounds: &mut Sounds) -> Vec<Word> {
    // An apostrophe stands within a word.
    let name: String = name.chars().filter(|letter| !"'’‘ʼ`´".contains(*letter)).collect();
    let folded = fold_name(&name);
    let mut parts: Vec<String> = Vec::new();
    for part in folded.split(' ').filter(|part| !part.is_empty()) {
        match parts.last_mut() {
            Some(letter) if begins(letter, part) => letter.push_str(part),
            _ => parts.push(part.to_owned()),
        }
    }
    // Initials and particles are left out, unless the name has nothing else.
    let tells = |part: &String| part.chars().nth(1).is_some() && !PARTICLES.contains(&part.as_str());
    if parts.iter().any(tells) {
        parts.retain(tells);
    }
    let mut known = BTreeSet::new();
    let words = parts.iter().take(WORDS_MAX).map(|part| sounds.word(part));
    words.filter(|word| known.insert(word.sound.clone())).collect()
}

/// As [`Sounds::words`], sorted: in which order a name is written says nothing.
fn set_of_words(name: &str, sounds: &mut Sounds) -> Vec<Word> {
    let mut words = sounds.words(name).to_vec();
    words.sort();
    words
}

impl Person {
    fn whole_name(&self) -> String {
        whole_name(&self.family_name, &self.given_name)
    }

    /// What the birth date is known to. Whoever does not know the day is often given the first of January or the last
    /// of December.
    fn precision(&self) -> BirthPrecision {
        let guessed = self
            .birth_date
            .is_some_and(|born| (born.month(), born.day()) == (1, 1) || born.month() == 12 && born.day() == 31);
        if guessed { BirthPrecision::Year } else { self.birth_precision }
    }

    fn day_of_birth(&self) -> Option<NaiveDate> {
        self.birth_date.filter(|_| self.precision() == BirthPrecision::Day)
    }
}

/// A person's name folded, once for all whom it is compared with.
#[derive(Debug)]
pub struct Called {
    whole: Vec<Word>,
    sex: Sex,
}

impl Called {
    /// Folds a name.
    pub fn new(name: &Name, sounds: &mut Sounds) -> Self {
        let whole = set_of_words(&whole_name(&name.family_name, &name.given_name), sounds);
        Called { whole, sex: name.sex }
    }
}

/// A person with his names folded, once for all comparisons.
#[derive(Debug, Clone)]
pub struct Folded {
    person: Person,
    /// The words of the whole name, sorted, and those of the head's.
    whole: Vec<Word>,
    head: Option<Vec<Word>>,
}

impl Folded {
    /// Folds a person's names.
    pub fn new(person: Person, sounds: &mut Sounds) -> Self {
        Folded {
            whole: set_of_words(&person.whole_name(), sounds),
            head: person.head_name.as_deref().map(|name| set_of_words(name, sounds)),
            person,
        }
    }

    /// The head's name where it is another's: the person's own says nothing more.
    fn other_head(&self) -> Option<&[Word]> {
        let head = self.head.as_deref()?;
        let is_own = head.iter().map(|word| &word.sound).eq(self.whole.iter().map(|word| &word.sound));
        (!head.is_empty() && !is_own).then_some(head)
    }
}

/// The whole name in a key.
fn sounds_of(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().map(|word| &*word.sound).collect();
    words.join(".")
}

/// By what a person is found, and by what others are looked for who may be he.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Kept of him: at most four, or six where the sex is not known.
    pub kept: Vec<String>,
    /// Looked for: two records that are probably of one person nearly always meet by one of these, or by the day of birth.
    pub sought: Vec<String>,
    /// Who was born on this day is looked at too; by the person's own row, no key is kept of it.
    pub born_on: Option<NaiveDate>,
}

impl Folded {
    /// The keys of a person:
    ///
    /// - the phone;
    /// - where the day of birth is not known, the whole name and the year;
    /// - where the household lives, with the first word of the family name and that of the given name, each with the sex and
    ///   the two years in which the birth lies; looked for are those before and after too. One word may be misspelt, names
    ///   missing or swapped, the year off by two. A household without an area is known by its head's name, and one without
    ///   either by the person's. The place stands first, so that the keys of a household, and of its neighbours, lie together.
    ///
    /// Somebody without a birth date meets somebody with one by the phone only; who moved, or whose sex was miswritten,
    /// meets by the phone, by the day, or by the whole name and year where neither record knows the day.
    pub fn keys(&self, sounds: &mut Sounds) -> Keys {
        let person = &self.person;
        let born_on = person.day_of_birth();
        let (mut kept, mut sought) = (Vec::new(), Vec::new());
        let whole = sounds_of(&self.whole);
        kept.extend(person.phone.as_ref().map(|phone| format!("p{phone}")));
        if let (None, Some(born), false) = (born_on, person.birth_date, whole.is_empty()) {
            kept.push(format!("n{}:{whole}", born.year()));
        }
        sought.extend(kept.iter().cloned());
        let head = self.head.as_deref().map(sounds_of).filter(|head| !head.is_empty());
        let mut place = match (&person.area, head) {
            // The end of an id is its random part, and enough of it.
            (Some(area), _) => format!("{:08x}", area.as_u128() & 0xffff_ffff),
            (None, Some(head)) => head,
            (None, None) => whole,
        };
        shorten(&mut place, PLACE_LETTERS_MAX);
        let sexes: &[char] = match person.sex {
            Sex::Male => &['m'],
            Sex::Female => &['f'],
            Sex::Other | Sex::Unknown => &['m', 'f'],
        };
        let years = person.birth_date.map(|born| born.year().div_euclid(2));
        for word in anchors(person, sounds) {
            for sex in sexes {
                let key = |years: Option<i32>| {
                    let years = years.map(|years| (years * 2).to_string()).unwrap_or_default();
                    format!("a{place}:{}:{sex}{years}", word.sound)
                };
                kept.push(key(years));
                let around = years.map_or([None; 3], |years| [years - 1, years, years + 1].map(Some));
                sought.extend(around.map(key));
            }
        }
        let cut = |mut keys: Vec<String>| {
            keys.iter_mut().for_each(|key| shorten(key, KEY_LETTERS_MAX));
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        Keys { kept: cut(kept), sought: cut(sought), born_on }
    }
}

/// Cuts a text after so many letters.
fn shorten(text: &mut String, letters: usize) {
    if let Some((end, _)) = text.char_indices().nth(letters) {
        text.truncate(end);
    }
}

/// The first word of each name; two of the one where the other is empty.
fn anchors(person: &Person, sounds: &mut Sounds) -> Vec<Word> {
    let family = sounds.words(&person.family_name);
    let given = sounds.words(&person.given_name);
    let each = if family.is_empty() || given.is_empty() { 2 } else { 1 };
    family.iter().take(each).chain(given.iter().take(each)).cloned().collect()
}

/// How many letters must be left out, added, replaced or swapped with the next to make one word of the other; `None`
/// where it is more than `most` (Damerau–Levenshtein, optimal string alignment).
fn slips(a: &str, b: &str, most: usize) -> Option<usize> {
    // A slip brings one letter more or less, or one for another: most words are told apart by which letters they have.
    let letters =
        |word: &str| word.chars().fold((0, 0_usize), |(found, count), letter| (found | bit(letter), count + 1));
    let ((of_a, a_long), (of_b, b_long)) = (letters(a), letters(b));
    if a_long.abs_diff(b_long) > most || usize::try_from((of_a ^ of_b).count_ones()).is_ok_and(|other| other > 2 * most)
    {
        return None;
    }
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut earlier: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(above.len());
        let mut left = i + 1;
        row.push(left);
        for (j, other) in b.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX - 1);
            let mut least = (at(&above, j) + usize::from(letter != other)).min(at(&above, j + 1) + 1).min(left + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(other) && b.get(j - 1) == Some(letter) {
                least = least.min(at(&earlier, j - 1) + 1);
            }
            row.push(least);
            left = least;
        }
        if row.iter().min().is_some_and(|least| *least > most) {
            return None;
        }
        earlier = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|slips| *slips <= most)
}

/// Whether two words, or their sounds, are so many slips of the pen apart, and long enough for that to be one.
fn are_near(a: &Word, b: &Word, slips_made: usize) -> bool {
    let near = |a: &str, b: &str| {
        let allowed = match a.chars().count().max(b.chars().count()) {
            0..4 => 0,
            4..9 => 1,
            _ => 2,
        };
        slips_made <= allowed && slips(a, b, slips_made).is_some()
    };
    near(&a.folded, &b.folded) || near(&a.sound, &b.sound)
}

/// Takes out of both names the words that agree, and says how many pairs those were.
fn take(a: &mut Vec<&Word>, b: &mut Vec<&Word>, agree: impl Fn(&Word, &Word) -> bool) -> usize {
    let before = a.len();
    a.retain(|word| match b.iter().position(|other| agree(word, other)) {
        Some(place) => {
            b.remove(place);
            false
        }
        None => true,
    });
    before - a.len()
}

/// So many letters at the end of a word's sound may be written otherwise where more follows.
const REACHED: usize = 6;

/// How the sound of any longer word begins that begins with the word of this sound: what follows is heard in the last letters, and
/// in short words in all but the first. In long words l becomes r, so these are one. It can be otherwise in words such as
/// Maneseseti, of which a following e takes away all but the beginning; nobody is called that.
fn beginning(sound: &str) -> impl Iterator<Item = char> {
    let letters = match sound.chars().count() {
        0..3 => 0,
        count => count.saturating_sub(REACHED).max(1),
    };
    sound.chars().take(letters).map(l_as_r)
}

fn l_as_r(letter: char) -> char {
    if letter == 'l' { 'r' } else { letter }
}

/// Whether `word` is the two written as one.
fn is_joined(word: &Word, one: &Word, two: &Word, as_spelt: bool) -> bool {
    // Most are told apart by how they begin.
    let mut letters = word.sound.chars().map(l_as_r);
    if !beginning(&one.sound).all(|letter| letters.next() == Some(letter)) {
        return false;
    }
    let letters = || one.folded.chars().chain(two.folded.chars()).take(LETTERS_MAX);
    word.folded.chars().eq(letters()) || (!as_spelt && *word.sound == fold_sound(&letters().collect::<String>()))
}

/// Takes out words of `a` that `b` writes as two: Jeanbosco, Jean-Bosco.
fn take_joined(a: &mut Vec<&Word>, b: &mut Vec<&Word>, as_spelt: bool) -> usize {
    let before = a.len();
    a.retain(|word| {
        let mut pairs = (0..b.len()).flat_map(|i| (0..b.len()).filter(move |j| *j != i).map(move |j| (i, j)));
        let joined =
            |i: usize, j: usize| b.get(i).zip(b.get(j)).is_some_and(|(one, two)| is_joined(word, one, two, as_spelt));
        match pairs.find(|(i, j)| joined(*i, *j)) {
            Some((i, j)) => {
                b.remove(i.max(j));
                b.remove(i.min(j));
                false
            }
            None => true,
        }
    });
    before - a.len()
}

/// Points for two names as sets of words, never below 0. Where the sexes differ only what is spelt alike counts, for
/// René is not Renée nor Mario Maria.
fn points_of_names(names: [&[Word]; 2], sexes_differ: bool) -> i32 {
    let [mut a, mut b] = names.map(|words| words.iter().collect::<Vec<&Word>>());
    // Which of several pairs is taken depends on the order; this makes it the same both ways.
    if a > b {
        std::mem::swap(&mut a, &mut b);
    }
    let lone = if a.len().max(b.len()) == 1 { NAME_OF_ONE_WORD } else { 0 };
    let agree = |a: &Word, b: &Word| if sexes_differ { a.folded == b.folded } else { a.sound == b.sound };
    let mut pairs = take(&mut a, &mut b, agree);
    pairs += take_joined(&mut a, &mut b, sexes_differ) + take_joined(&mut b, &mut a, sexes_differ);
    let mut near = 0;
    if !sexes_differ {
        near += take(&mut a, &mut b, |a, b| are_near(a, b, 1));
        near += take(&mut a, &mut b, |a, b| are_near(a, b, 2));
    }
    pairs += near;
    if pairs == 0 || (!a.is_empty() && !b.is_empty()) {
        return 0;
    }
    let misspelt = match near {
        0 => 0,
        1 => ONE_WORD_MISSPELT,
        _ => MORE_WORDS_MISSPELT,
    };
    let missing = match (a.is_empty() && b.is_empty(), pairs) {
        (true, _) => 0,
        (false, 1) => ALL_WORDS_BUT_ONE_MISSING,
        (false, _) => WORDS_MISSING,
    };
    (NAME + lone + misspelt + missing).max(0)
}

fn points_of_birth(a: &Person, b: &Person) -> i32 {
    let (Some(one), Some(two)) = (a.birth_date, b.birth_date) else { return 0 };
    let years = one.year().abs_diff(two.year());
    if years > 2 {
        return OTHER_YEAR;
    }
    if a.day_of_birth().is_some() && b.day_of_birth().is_some() {
        let parts = [years == 0, one.month() == two.month(), one.day() == two.day()];
        let swapped = years == 0 && one.month() == two.day() && one.day() == two.month();
        return match parts.into_iter().filter(|same| *same).count() {
            3 => SAME_DAY,
            2 => SLIP_IN_DATE,
            _ if swapped => SLIP_IN_DATE,
            _ if years == 0 => OTHER_DAY_OF_YEAR,
            _ => OTHER_DAY_WITHIN_TWO_YEARS,
        };
    }
    let months_known = a.precision() != BirthPrecision::Year && b.precision() != BirthPrecision::Year;
    match (years, months_known) {
        (0, false) => SAME_YEAR,
        (0, true) if one.month() == two.month() => SAME_MONTH,
        _ => WITHIN_TWO_YEARS,
    }
}

impl Folded {
    /// How alike two records are, from 0 to 100. The same both ways.
    pub fn score(&self, other: &Folded) -> u32 {
        self.score_with(self.points_of_names(other), other)
    }

    /// How alike two records are that are probably of one person: [`THRESHOLD`] or more.
    pub fn probable(&self, other: &Folded) -> Option<u32> {
        let names = self.points_of_names(other);
        Some(self.score_with(names, other)).filter(|score| *score >= THRESHOLD)
    }

    /// Whether somebody of this name may be [`probable`](Self::probable) at all, whatever else is known of him: nobody else than
    /// of much the same name gets there, which most of those born on a day have not.
    pub fn may_be(&self, other: &Called) -> bool {
        let sexes_differ = are_same(self.person.sex, other.sex) == Some(false);
        let names = points_of_names([&self.whole, &other.whole], sexes_differ);
        u32::try_from(names + SAME_DAY + SAME_SEX + HOUSEHOLD_MAX).is_ok_and(|most| most >= THRESHOLD)
    }

    fn same_sex(&self, other: &Folded) -> Option<bool> {
        are_same(self.person.sex, other.person.sex)
    }

    fn points_of_names(&self, other: &Folded) -> i32 {
        points_of_names([&self.whole, &other.whole], self.same_sex(other) == Some(false))
    }

    fn score_with(&self, names: i32, other: &Folded) -> u32 {
        let (a, b) = (&self.person, &other.person);
        let heads = self.other_head().zip(other.other_head());
        let phone = points(a.phone.as_ref().zip(b.phone.as_ref()).map(|(a, b)| a == b), SAME_PHONE, OTHER_PHONE);
        let area = points(a.area.zip(b.area).map(|(a, b)| a == b), SAME_AREA, OTHER_AREA);
        let head = points(heads.map(|(a, b)| points_of_names([a, b], false) > 0), SAME_HEAD, OTHER_HEAD);
        let sex = points(self.same_sex(other), SAME_SEX, OTHER_SEX);
        let sum = names + points_of_birth(a, b) + sex + (phone + area + head).min(HOUSEHOLD_MAX);
        u32::try_from(sum.clamp(0, 100)).unwrap_or(0)
    }
}

fn are_same(one: Sex, two: Sex) -> Option<bool> {
    let known = |sex: Sex| matches!(sex, Sex::Male | Sex::Female);
    (known(one) && known(two)).then_some(one == two)
}

/// Points for what agrees or differs, and none for what is not known of both.
fn points(same: Option<bool>, agrees: i32, differs: i32) -> i32 {
    match same {
        Some(true) => agrees,
        Some(false) => differs,
        None => 0,
    }
}
