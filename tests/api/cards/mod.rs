mod certificate;
mod docs;
mod issue;
mod verify;
