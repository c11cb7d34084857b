// Package cron reads schedules of five fields and finds their times.
//
// It promises that a schedule which Parse takes has times for ever, and that a
// change of the clock neither loses nor doubles the times of fixed hours. Seconds,
// years, @daily and a time zone within the schedule are not known.
package cron

import (
	"time"
)

// Schedule is what the five fields say. Sets have a bit for each value.
type Schedule struct {
	minutes, hours, days, months, weekdays uint64
	// anyDay and anyWeekday: the field is a *.
	anyDay, anyWeekday bool
	// fixedHour: the hour does not begin with a *; fixedTime: nor does the minute.
	fixedHour, fixedTime bool
}

// horizon is further away than the next time of any schedule: 29 February comes
// after eight years at the latest, as in 2096 to 2104.
const horizon = 9 // years

// Next is the first time after another, on the clock of a time zone; it is a whole
// minute. The zero time is returned for the zero Schedule only.
//
// A clock that is put forward skips times and one that is put back repeats them.
// Where the hour is fixed, times that are skipped come once, when the gap ends;
// where the minute is, too, times that are repeated come once, at first. All
// others follow real time: a * in the hour leaves out what does not exist, and a *
// in the hour or in the minute has twice what exists twice. The two rules for fixed
// hours are those of Vixie cron, cron(8), with the difference that it would leave
// out "*/10 2 * * *" on the day when there is no 2 o'clock.
func (s *Schedule) Next(after time.Time, zone *time.Location) time.Time {
	after = after.Round(0).In(zone)
	limit := after.AddDate(horizon, 0, 0)
	from := wall(after).Truncate(time.Minute).Add(time.Minute)
	for at := after; at.Before(limit); {
		begin, end := at.ZoneBounds()
		if s.fixedTime && !begin.IsZero() {
			// What the clock showed just before this offset began is not repeated.
			if shown := wall(begin.Add(-1)); from.Before(shown) {
				from = shown.Add(1)
			}
		}
		last := wall(limit)
		if !end.IsZero() {
			last = wall(end.Add(-1))
		}
		if found := s.match(from, last); !found.IsZero() {
			return at.Add(found.Sub(wall(at)))
		}
		if end.IsZero() {
			break
		}
		// From here on the clock goes by another offset.
		shows, showed := wall(end), last.Add(1)
		if s.fixedHour && !s.match(showed, shows.Add(-1)).IsZero() {
			return end
		}
		at, from = end, ceil(shows)
	}
	return time.Time{}
}

// wall is what the clock shows at a time, as if it were UTC's.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

func ceil(t time.Time) time.Time {
	if down := t.Truncate(time.Minute); !down.Equal(t) {
		return down.Add(time.Minute)
	}
	return t
}

// match is the first minute from one time to another, both on the clock, that fits
// all fields; the zero time if there is none.
func (s *Schedule) match(from, to time.Time) time.Time {
	for t := ceil(from); !t.After(to); {
		year, month, day := t.Date()
		switch {
		case !has(s.months, int(month)):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.onDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !has(s.hours, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !has(s.minutes, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}

// onDay reports whether a day fits: if both of its fields are given, one has to.
func (s *Schedule) onDay(t time.Time) bool {
	day, weekday := has(s.days, t.Day()), has(s.weekdays, int(t.Weekday()))
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

func has(set uint64, value int) bool { return set>>value&1 == 1 }
