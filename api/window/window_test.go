package window

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const weekend = "fri 16:00 - mon 08:00 Europe/Berlin"

// TestUntil: each case is a window, a moment, and the end of the window; no end
// where the moment is outside.
func TestUntil(t *testing.T) {
	for _, test := range []struct{ window, now, end string }{
		{weekend, "2026-11-27T14:59:59Z", ""},
		{weekend, "2026-11-27T15:00:00Z", "Mon 2026-11-30 08:00 CET"},
		{weekend, "2026-11-29T12:00:00Z", "Mon 2026-11-30 08:00 CET"},
		{weekend, "2026-11-30T06:59:59Z", "Mon 2026-11-30 08:00 CET"},
		{weekend, "2026-11-30T07:00:00Z", ""},
		{weekend, "2026-12-02T12:00:00Z", ""},
		// Clocks go back on October 25 and forward on March 28.
		{weekend, "2026-10-23T13:59:59Z", ""},
		{weekend, "2026-10-23T14:00:00Z", "Mon 2026-10-26 08:00 CET"},
		{weekend, "2026-10-26T06:59:59Z", "Mon 2026-10-26 08:00 CET"},
		{weekend, "2027-03-26T15:00:00Z", "Mon 2027-03-29 08:00 CEST"},
		{weekend, "2027-03-29T05:59:59Z", "Mon 2027-03-29 08:00 CEST"},
		{weekend, "2027-03-29T06:00:00Z", ""},
		// 02:30 does not exist on March 28: it is 03:00 when the clock gets there.
		{"sun 02:30 - sun 04:00 Europe/Berlin", "2027-03-28T00:59:59Z", ""},
		{"sun 02:30 - sun 04:00 Europe/Berlin", "2027-03-28T01:00:00Z", "Sun 2027-03-28 04:00 CEST"},
		{"sun 01:00 - sun 02:30 Europe/Berlin", "2027-03-28T00:59:59Z", "Sun 2027-03-28 03:00 CEST"},
		{"sun 01:00 - sun 02:30 Europe/Berlin", "2027-03-28T01:00:00Z", ""},
		{"sun 02:10 - sun 02:50 Europe/Berlin", "2027-03-28T01:00:00Z", ""},
		// 02:30 comes twice on October 25.
		{"sun 02:30 - sun 04:00 Europe/Berlin", "2026-10-25T00:30:00Z", "Sun 2026-10-25 04:00 CET"},
		{"sun 01:00 - sun 02:30 Europe/Berlin", "2026-10-25T01:29:59Z", "Sun 2026-10-25 02:30 CET"},
		{"sun 01:00 - sun 02:30 Europe/Berlin", "2026-10-25T01:30:00Z", ""},
		// South of the equator, west of Greenwich, and half an hour of summer time.
		{"daily 22:00 - 06:00 America/Santiago", "2027-04-04T09:59:59Z", "Sun 2027-04-04 06:00 -04"},
		{"sun 01:30 - sun 02:15 Australia/Lord_Howe", "2027-04-03T14:30:00Z", "Sun 2027-04-04 02:15 +1030"},
		// Samoa had no December 30.
		{"2011-12-30 06:00 - 2011-12-31 06:00 Pacific/Apia", "2011-12-30T10:00:00Z", "Sat 2011-12-31 06:00 +14"},
		{"daily 22:00 - 06:00 UTC", "2026-11-27T21:59:59Z", ""},
		{"daily 22:00 - 06:00 UTC", "2026-11-27T22:00:00Z", "Sat 2026-11-28 06:00 UTC"},
		{"daily 22:00 - 06:00 UTC", "2026-11-28T05:59:59Z", "Sat 2026-11-28 06:00 UTC"},
		{"daily 22:00 - 06:00 UTC", "2026-11-28T06:00:00Z", ""},
		{"daily 12:00 - 13:00 Asia/Tokyo", "2026-11-28T03:30:00Z", "Sat 2026-11-28 13:00 JST"},
		{"daily 12:00 - 24:00 UTC", "2026-11-28T23:59:59Z", "Sun 2026-11-29 00:00 UTC"},
		{"daily 12:00 - 24:00 UTC", "2026-11-29T00:00:00Z", ""},
		{"mon 08:00 - fri 16:00 UTC", "2026-11-25T00:00:00Z", "Fri 2026-11-27 16:00 UTC"},
		{"mon 08:00 - fri 16:00 UTC", "2026-11-28T00:00:00Z", ""},
		{"fri 16:00 - fri 15:00 UTC", "2026-11-27T14:59:00Z", "Fri 2026-11-27 15:00 UTC"},
		{"fri 16:00 - fri 15:00 UTC", "2026-11-27T15:30:00Z", ""},
		{"fri 16:00 - fri 15:00 UTC", "2026-11-27T16:00:00Z", "Fri 2026-12-04 15:00 UTC"},
		{"fri 15:00 - fri 16:00 UTC", "2026-11-26T15:30:00Z", ""},
		{"2026-12-20 00:00 - 2027-01-02 08:00 Europe/Berlin", "2026-12-19T22:59:59Z", ""},
		{"2026-12-20 00:00 - 2027-01-02 08:00 Europe/Berlin", "2026-12-19T23:00:00Z", "Sat 2027-01-02 08:00 CET"},
		{"2026-12-20 00:00 - 2027-01-02 08:00 Europe/Berlin", "2027-12-25T00:00:00Z", ""},
		{"sat 00:00 - sun 24:00 UTC", "1999-01-03T12:00:00Z", "Mon 1999-01-04 00:00 UTC"},
	} {
		w, err := Parse(test.window)
		if err != nil {
			t.Errorf("%s: %v", test.window, err)
			continue
		}
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if end, within := w.Until(now); within {
			got = end.Format("Mon 2006-01-02 15:04 MST")
		}
		if got != test.end {
			t.Errorf("%s at %s: until %q, want %q", test.window, test.now, got, test.end)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		weekend:                                   "",
		"  FRI 16:00  -  Mon 8:00 Europe/Berlin":  "",
		"Daily 22:00 - 06:00 UTC":                 "",
		"":                                        "expected \"fri 16:00",
		"weekends":                                "expected \"fri 16:00",
		"fri 16:00 mon 08:00 UTC":                 "expected \"fri 16:00",
		"fri 16:00 - mon 08:00":                   "has no time zone; write its name last",
		"daily 22:00 - 06:00":                     "has no time zone",
		"fri 16:00 - mon 08:00 CEST":              `"CEST" is no time zone`,
		"fri 16:00 - mon 08:00 europe/nowhere":    `"europe/nowhere" is no time zone`,
		"fri 16:00 - mon 08:00 Local":             `"Local" is no time zone`,
		"fri 16:00 - mon 08:00 ../../etc/passwd":  `is no time zone`,
		"fri 16:00 - mon 08:60 UTC":               `"08:60" is no time of day; write it as 08:00`,
		"fri 24:01 - mon 08:00 UTC":               `"24:01" is no time of day`,
		"fri 24:00 - mon 08:00 UTC":               "24:00 is the end of a day",
		"fri 4pm - mon 08:00 UTC":                 `"4pm" is no time of day`,
		"fri 16:00 - montag 08:00 UTC":            "do not go together",
		"fri 16:00 - 2026-12-20 08:00 UTC":        "do not go together",
		"friday 16:00 - monday 08:00 UTC":         `"friday" is no day; write mon,`,
		"2026-13-20 00:00 - 2027-01-02 08:00 UTC": `"2026-13-20" is no day`,
		"2027-12-20 00:00 - 2027-01-02 08:00 UTC": "ends before it begins",
		"2027-01-02 08:00 - 2027-01-02 08:00 UTC": "ends before it begins",
		"daily 08:00 - 08:00 UTC":                 "never let anything through; for that, set hold: true",
		"fri 08:00 - fri 08:00 UTC":               "never let anything through",
		strings.Repeat("x", 200):                  "has 200 characters",
	} {
		_, err := Parse(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestWithin(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		windows []string
		want    string
	}{
		{nil, ""},
		{[]string{"daily 22:00 - 06:00 UTC"}, ""},
		{[]string{"daily 10:00 - 14:00 UTC", weekend, "daily 11:00 - 13:00 UTC"}, weekend + " until Mon 08:00"},
		{[]string{weekend, "now"}, "freeze \"now\": expected " + Forms},
	} {
		text, end, err := Within(test.windows, now)
		got := text
		if text != "" {
			got += " until " + end.Format("Mon 15:04")
		}
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v (-want +got)\n%s", test.windows, diff)
		}
	}
}

// FuzzWindow: whatever is read means the same when it is read again, and a
// moment within it is before its end, by at most its length.
func FuzzWindow(f *testing.F) {
	for _, s := range []string{weekend, "daily 22:00 - 06:00 UTC", "2026-12-20 00:00 - 2027-01-02 08:00 Europe/Berlin", "sun 02:30 - sun 03:00 America/New_York", "daily 0:0 - 24:00 Pacific/Apia"} {
		f.Add(s, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		w, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(w.String())
		if diff := cmp.Diff(w.String(), again.String()); err != nil || diff != "" {
			t.Fatalf("%q reads differently again: %v\n%s", s, err, diff)
		}
		now := time.Unix(unix%(1<<33), 0)
		end, within := w.Until(now)
		if endAgain, withinAgain := again.Until(now); !endAgain.Equal(end) || within != withinAgain {
			t.Fatalf("%q means something else when it is read again", s)
		}
		if within && !end.After(now) {
			t.Fatalf("%q at %v ends at %v", s, now, end)
		}
		if most := time.Duration(w.every+1)*24*time.Hour + 26*time.Hour; within && w.every > 0 && end.Sub(now) > most {
			t.Fatalf("%q at %v lasts until %v", s, now, end)
		}
	})
}
