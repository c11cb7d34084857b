package cron

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, text string) *Schedule {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// times are those after one that is written as the layout, in the zone.
func times(t *testing.T, schedule, in, after string, n int) (all []string) {
	t.Helper()
	s, z := parse(t, schedule), zone(t, in)
	at, err := time.Parse(time.RFC3339, after)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		at = s.Next(at, z)
		all = append(all, at.Format("Mon 01-02 15:04 -0700"))
	}
	return all
}

func TestNext(t *testing.T) {
	for _, tc := range []struct {
		schedule string
		want     string // after Thu 2026-01-01 00:00 UTC
	}{
		{"* * * * *", "Thu 01-01 00:01, Thu 01-01 00:02"},
		{"*/20 * * * *", "Thu 01-01 00:20, Thu 01-01 00:40, Thu 01-01 01:00"},
		{"5/20 9-17/4 * * *", "Thu 01-01 09:05, Thu 01-01 09:25, Thu 01-01 09:45, Thu 01-01 13:05"},
		{"0 3 * * *", "Thu 01-01 03:00, Fri 01-02 03:00"},
		{"0,30 0 1 jan *", "Thu 01-01 00:30, Fri 01-01 00:00"},
		{"0 0 * * 7", "Sun 01-04 00:00, Sun 01-11 00:00"},
		{"0 0 * * SUN", "Sun 01-04 00:00, Sun 01-11 00:00"},
		{"0 0 * * fri-sun", "Fri 01-02 00:00, Sat 01-03 00:00, Sun 01-04 00:00, Fri 01-09 00:00"},
		{"0 0 * * 5-7", "Fri 01-02 00:00, Sat 01-03 00:00, Sun 01-04 00:00, Fri 01-09 00:00"},
		{"0 0 * * */2", "Sat 01-03 00:00, Sun 01-04 00:00, Tue 01-06 00:00, Thu 01-08 00:00, Sat 01-10 00:00"},
		{"0 0 13 * 5", "Fri 01-02 00:00, Fri 01-09 00:00, Tue 01-13 00:00, Fri 01-16 00:00"}, // one of both
		{"0 0 31 * *", "Sat 01-31 00:00, Tue 03-31 00:00"},
		{"0 0 31 2 1", "Mon 02-02 00:00, Mon 02-09 00:00"}, // never by its day, but by its weekday
		{"59 23 31 12 *", "Thu 12-31 23:59, Fri 12-31 23:59"},
	} {
		t.Run(tc.schedule, func(t *testing.T) {
			want := strings.Split(tc.want, ", ")
			for i := range want {
				want[i] += " +0000"
			}
			if diff := cmp.Diff(want, times(t, tc.schedule, "", "2026-01-01T00:00:00Z", len(want))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestChangesOfTheClock has the days on which five zones change, or do not.
func TestChangesOfTheClock(t *testing.T) {
	for _, tc := range []struct {
		name, zone, schedule, after string
		want                        []string
	}{
		{"gap", "Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00+01:00", []string{"Sat 03-28 02:30 +0100", "Sun 03-29 03:00 +0200", "Mon 03-30 02:30 +0200"}},
		{"gap, and a time at its end", "Europe/Berlin", "30 2,3 * * *", "2026-03-29T00:00:00+01:00", []string{"Sun 03-29 03:00 +0200", "Sun 03-29 03:30 +0200", "Mon 03-30 02:30 +0200"}},
		{"gap, the end is a time of its own", "Europe/Berlin", "0 2,3 * * *", "2026-03-29T00:00:00+01:00", []string{"Sun 03-29 03:00 +0200", "Mon 03-30 02:00 +0200"}},
		{"gap, several times in it", "Europe/Berlin", "*/10 2 * * *", "2026-03-29T00:00:00+01:00", []string{"Sun 03-29 03:00 +0200", "Mon 03-30 02:00 +0200"}},
		{"gap, each hour", "Europe/Berlin", "30 * * * *", "2026-03-29T00:45:00+01:00", []string{"Sun 03-29 01:30 +0100", "Sun 03-29 03:30 +0200"}},
		{"gap, real time", "Europe/Berlin", "*/20 * * * *", "2026-03-29T01:30:00+01:00", []string{"Sun 03-29 01:40 +0100", "Sun 03-29 03:00 +0200", "Sun 03-29 03:20 +0200"}},
		{"gap on another day of the week", "Europe/Berlin", "30 2 * * mon", "2026-03-28T00:00:00+01:00", []string{"Mon 03-30 02:30 +0200"}},
		{"overlap", "Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00+02:00", []string{"Sun 10-25 02:30 +0200", "Mon 10-26 02:30 +0100"}},
		{"overlap, from within its second half", "Europe/Berlin", "30 2 * * *", "2026-10-25T02:10:00+01:00", []string{"Mon 10-26 02:30 +0100"}},
		{"overlap, real time", "Europe/Berlin", "*/30 * * * *", "2026-10-25T01:30:00+02:00", []string{"Sun 10-25 02:00 +0200", "Sun 10-25 02:30 +0200", "Sun 10-25 02:00 +0100", "Sun 10-25 02:30 +0100", "Sun 10-25 03:00 +0100"}},
		{"overlap, real time within an hour", "Europe/Berlin", "*/30 2 * * *", "2026-10-25T01:30:00+02:00", []string{"Sun 10-25 02:00 +0200", "Sun 10-25 02:30 +0200", "Sun 10-25 02:00 +0100", "Sun 10-25 02:30 +0100", "Mon 10-26 02:00 +0100"}},
		{"overlap, its end", "Europe/Berlin", "0 3 * * *", "2026-10-24T12:00:00+02:00", []string{"Sun 10-25 03:00 +0100"}},

		{"gap", "America/New_York", "15 2 8 3 *", "2026-03-01T00:00:00-05:00", []string{"Sun 03-08 03:00 -0400", "Mon 03-08 02:15 -0500"}},
		{"overlap", "America/New_York", "15 1 * * *", "2026-10-31T12:00:00-04:00", []string{"Sun 11-01 01:15 -0400", "Mon 11-02 01:15 -0500"}},
		{"overlap, each hour", "America/New_York", "15 * * * *", "2026-11-01T00:30:00-04:00", []string{"Sun 11-01 01:15 -0400", "Sun 11-01 01:15 -0500", "Sun 11-01 02:15 -0500"}},

		{"gap at midnight", "America/Santiago", "0 0 * * *", "2026-09-05T12:00:00-04:00", []string{"Sun 09-06 01:00 -0300", "Mon 09-07 00:00 -0300"}},
		{"overlap before midnight", "America/Santiago", "30 23 * * *", "2026-04-04T12:00:00-03:00", []string{"Sat 04-04 23:30 -0300", "Sun 04-05 23:30 -0400"}},
		{"overlap, midnight after it", "America/Santiago", "0 0 * * *", "2026-04-04T12:00:00-03:00", []string{"Sun 04-05 00:00 -0400", "Mon 04-06 00:00 -0400"}},

		{"gap of half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", []string{"Sun 10-04 02:30 +1100", "Mon 10-05 02:15 +1100"}},
		{"beside a gap of half an hour", "Australia/Lord_Howe", "45 2 * * *", "2026-10-03T12:00:00+10:30", []string{"Sun 10-04 02:45 +1100"}},
		{"overlap of half an hour", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00+11:00", []string{"Sun 04-05 01:45 +1100", "Mon 04-06 01:45 +1030"}},
		{"overlap of half an hour, real time", "Australia/Lord_Howe", "*/15 * * * *", "2026-04-05T01:30:00+11:00", []string{"Sun 04-05 01:45 +1100", "Sun 04-05 01:30 +1030", "Sun 04-05 01:45 +1030", "Sun 04-05 02:00 +1030"}},

		{"no change", "Asia/Kolkata", "30 2 * * *", "2026-03-28T12:00:00+05:30", []string{"Sun 03-29 02:30 +0530", "Mon 03-30 02:30 +0530"}},
	} {
		t.Run(tc.zone+" "+tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, times(t, tc.schedule, tc.zone, tc.after, len(tc.want))); diff != "" {
				t.Errorf("%s (-want +got)\n%s", tc.schedule, diff)
			}
		})
	}
}

func TestLeapDay(t *testing.T) {
	s := parse(t, "0 0 29 2 *")
	after := time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC)
	if got, want := s.Next(after, time.UTC), time.Date(2104, 2, 29, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		schedule string
		offset   int
		part     string
	}{
		{"", 0, "this has 0"},
		{"* * * *", 0, "this has 4"},
		{"0 * * * * *", 0, "this has 6"},
		{"TZ=UTC 0 3 * * *", 0, "this has 6"},
		{"@daily", 0, "five fields"},
		{"TZ= 3 * * *", 0, `minute: "tz=" must be *, or a number from 0 to 59`},
		{"60 * * * *", 0, `"60" must be`},
		{"0  24 * * *", 3, `hour: "24" must be`},
		{"0 3 0 * *", 4, `day of the month: "0" must be`},
		{"0 3 * 13 *", 6, `month: "13" must be *, or a number from 1 to 12 or jan, feb`},
		{"0 3 * * 8", 8, `day of the week: "8" must be`},
		{"0 3 * * monday", 8, `"monday" must be`},
		{"0 3 * * 5-1", 8, `the range "5-1" ends before it begins`},
		{"*/0 * * * *", 0, `the step "0" of "*/0"`},
		{"*/60 * * * *", 0, `from 1 to 59`},
		{"*/-1 * * * *", 0, `the step "-1"`},
		{"1, * * * *", 0, `"" must be`},
		{"1-2-3 * * * *", 0, `"2-3" must be`},
		{"+1 * * * *", 0, `"+1" must be`},
		{"? * * * *", 0, `"?" must be`},
		{"0 0 30 2 *", 4, "there is no day 30 in month 2"},
		{"0 0 31 apr,jun *", 4, "there is no day 31 in month apr,jun"},
	} {
		_, err := Parse(tc.schedule)
		var p *Problem
		if !errors.As(err, &p) || p.Offset != tc.offset || !strings.Contains(p.Reason, tc.part) {
			t.Errorf("%q: got %+v, want %q at %d", tc.schedule, err, tc.part, tc.offset)
		}
	}
}

func TestZone(t *testing.T) {
	for _, name := range []string{"Local", "Europe/Nowhere", "../../etc/passwd", "TZ=", "+02:00"} {
		if _, err := Zone(name); err == nil || !strings.Contains(err.Error(), "is no time zone") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if z := zone(t, ""); z != time.UTC {
		t.Errorf("without a name: %v", z)
	}
}

// FuzzNext compares with a look at every minute of the days around a change.
func FuzzNext(f *testing.F) {
	zones := []string{"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca"}
	for i, text := range []string{"30 2 * * *", "*/7 * * * *", "*/30 1-3 * * *", "0 0 * * 0", "15,45 */2 5 * mon", "0 23,0 * * *", "1/9 1 29 2 *"} {
		f.Add(text, i, int64(1774742400+i*31536000/7))
	}
	f.Fuzz(func(t *testing.T, text string, in int, from int64) {
		s, err := Parse(text)
		if err != nil {
			if errors.As(err, new(*Problem)) {
				return
			}
			t.Fatal(err)
		}
		z := zone(t, zones[(in%len(zones)+len(zones))%len(zones)])
		at := time.Unix(1767225600+(from%(2*31536000)+2*31536000)%(2*31536000), 0).In(z)
		got := s.Next(at, z)
		if !got.After(at) {
			t.Fatalf("%q after %v comes at %v", text, at, got)
		}
		if want := slow(s, at, at.AddDate(0, 0, 8)); !want.Equal(got) && (!want.IsZero() || got.Before(at.AddDate(0, 0, 8))) {
			t.Errorf("%q after %v: got %v, want %v", text, at, got, want)
		}
	})
}

// slow looks at every minute from one time to another, and remembers what the
// clock has shown.
func slow(s *Schedule, after, until time.Time) time.Time {
	shown := wall(after.Add(-3 * time.Hour)) // the latest that the clock has shown
	for t := after.Add(-3 * time.Hour).Truncate(time.Minute); t.Before(until); t = t.Add(time.Minute) {
		now := wall(t)
		fits := !s.match(now, now).IsZero()
		if s.fixedTime && !now.After(shown) {
			fits = false
		}
		if s.fixedHour && now.Sub(shown) > time.Minute && !s.match(shown.Add(time.Minute), now.Add(-time.Minute)).IsZero() {
			fits = true
		}
		if now.After(shown) || !s.fixedTime {
			shown = now
		}
		if fits && t.After(after) {
			return t
		}
	}
	return time.Time{}
}
