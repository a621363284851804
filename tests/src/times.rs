//! Reads the times that apimon writes. Must not know what happened then.

/// Nanoseconds since the epoch of an RFC 3339 time in UTC (`2026-01-02T03:04:05.678901Z`).
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<u64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let (hour, minute): (u64, u64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    let (second, fraction) = time.next()?.split_once('.')?;
    let second: u64 = second.parse().ok()?;
    let nanos: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = days_since_epoch(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000_000 + nanos)
}

/// Days from 1970-01-01, in the proleptic Gregorian calendar; the year is taken to begin in March, so that the leap
/// day is its last.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apimon::time::Timestamp;

    #[test]
    fn what_apimon_writes_is_read_back() {
        for ns in [
            0,
            951_782_400_000_000_000,
            1_709_210_096_123_456_000,
            4_107_542_400_999_999_000,
        ] {
            assert_eq!(parse_rfc3339(&Timestamp::from_nanos(ns).rfc3339()), Some(ns));
        }
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
