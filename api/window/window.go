// Package window reads freeze windows, the times in which nothing goes forward:
//
//	fri 16:00 - mon 08:00 Europe/Berlin                       each week
//	daily 22:00 - 06:00 UTC                                   each day
//	2026-12-20 00:00 - 2027-01-02 08:00 Europe/Berlin         once
//
// It promises that a window means the clock on the wall of its zone, also on
// the days on which that is put forward or back: a window that begins at a time
// which the clock skips begins when it does so; of a time that comes twice,
// windows begin at the first one and end at the second. The zones are those of
// the machine, or else of the program, which carries them. It asks no clock.
package window

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // images of programs have no zones
)

// Window is a span of time, once or again and again.
type Window struct {
	text string
	zone *time.Location
	// every is after how many days it comes again; 0: never.
	every int
	// from is its first day, or one of them, and days how many later it ends.
	from date
	days int
	// begins and ends are minutes after midnight.
	begins, ends int
}

// date is a day of the calendar.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

// add counts days on or back.
func (d date) add(days int) date { return dateOf(d.utc().AddDate(0, 0, days)) }

func (d date) utc() time.Time { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC) }

// since is the number of days from another date.
func (d date) since(other date) int { return int(d.utc().Sub(other.utc()) / (24 * time.Hour)) }

// String is the window as it was written, with single spaces.
func (w Window) String() string { return w.text }

// Until reports whether a moment is within the window, and when that ends, in
// the window's zone.
func (w Window) Until(now time.Time) (end time.Time, within bool) {
	for _, from := range w.near(dateOf(now.In(w.zone))) {
		begin := at(from, w.begins, w.zone, false)
		end := at(from.add(w.days), w.ends, w.zone, true)
		if !now.Before(begin) && now.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

// near are the days on which windows begin that may hold on a day: the last one
// that is not after it, and the one before.
func (w Window) near(today date) []date {
	if w.every == 0 {
		return []date{w.from}
	}
	back := today.since(w.from) % w.every
	if back < 0 {
		back += w.every
	}
	return []date{today.add(-back), today.add(-back - w.every)}
}

// at is the moment at which the clock of a zone shows a time. Of two of them it
// is the later one if that is asked for; where there is none, it is the moment
// at which the clock skips it.
func at(d date, minutes int, zone *time.Location, later bool) time.Time {
	shown := d.utc().Add(time.Duration(minutes) * time.Minute)
	var found time.Time
	for _, near := range []time.Time{shown.AddDate(0, 0, -1), shown.AddDate(0, 0, 1)} {
		t := shown.Add(-offset(near, zone)).In(zone)
		if offset(t, zone) != offset(near, zone) {
			continue // the clock shows something else then
		}
		if found.IsZero() || later == t.After(found) {
			found = t
		}
	}
	if found.IsZero() {
		found, _ = shown.Add(-offset(shown.AddDate(0, 0, -1), zone)).In(zone).ZoneBounds()
	}
	return found
}

// offset is how far the clock of a zone is ahead of UTC.
func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// Within is the window that holds at a moment, and when it ends; of several the
// one that ends last, after which another one may begin at once. text is empty
// where none holds. A window that cannot be read is an error.
func Within(windows []string, now time.Time) (text string, end time.Time, err error) {
	for _, s := range windows {
		w, err := Parse(s)
		if err != nil {
			return "", time.Time{}, fmt.Errorf("freeze %q: %w", s, err)
		}
		if until, within := w.Until(now); within && until.After(end) {
			text, end = strings.TrimSpace(s), until
		}
	}
	return text, end, nil
}
