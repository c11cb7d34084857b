package window

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxText bounds a window's text, in bytes.
const maxText = 128

// Forms are the ways to write a window.
const Forms = `"fri 16:00 - mon 08:00 Europe/Berlin", "daily 22:00 - 06:00 UTC" or "2026-12-20 00:00 - 2027-01-02 08:00 Europe/Berlin"`

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// sunday is one, for days of the week to count from.
var sunday = date{2000, time.January, 2}

// Parse reads a window. The error says what to write.
func Parse(s string) (Window, error) {
	if len(s) > maxText {
		return Window{}, fmt.Errorf("has %d characters; expected %s", len(s), Forms)
	}
	words := strings.Fields(strings.ToLower(s))
	zone := words[max(len(words)-1, 0):]
	if len(words) == 5 && words[0] == "daily" && words[2] == "-" {
		words = []string{words[0], words[1], words[2], words[0], words[3], words[4]}
	}
	if len(words) != 6 || words[2] != "-" {
		if lacksZone(zone) {
			return Window{}, fmt.Errorf("has no time zone; write its name last, such as UTC or Europe/Berlin: %s", Forms)
		}
		return Window{}, fmt.Errorf("expected %s", Forms)
	}
	// Names of zones have capital letters.
	fields := strings.Fields(s)
	w := Window{text: strings.Join(fields, " ")}
	var err error
	if w.zone, err = parseZone(fields[len(fields)-1]); err != nil {
		return Window{}, err
	}
	if w.begins, err = parseTime(words[1]); err != nil {
		return Window{}, err
	}
	if w.ends, err = parseTime(words[4]); err != nil {
		return Window{}, err
	}
	if w.begins == midnight {
		return Window{}, errors.New("24:00 is the end of a day; a window begins at 00:00 of the next one")
	}
	if err := w.setDays(words[0], words[3]); err != nil {
		return Window{}, err
	}
	return w, nil
}

// lacksZone reports whether a window ends with a time.
func lacksZone(last []string) bool {
	if len(last) == 0 {
		return false
	}
	_, err := parseTime(last[0])
	return err == nil
}

// setDays reads the days of a window whose times are known.
func (w *Window) setDays(from, to string) error {
	first, last := weekday(from), weekday(to)
	switch {
	case from == "daily" && to == "daily":
		w.every, w.from = 1, sunday
	case first >= 0 && last >= 0:
		w.every, w.from, w.days = 7, sunday.add(first), (last-first+7)%7
	case first >= 0 || last >= 0:
		return fmt.Errorf("%q and %q do not go together; write two days of the week or two dates", from, to)
	default:
		begin, err := parseDate(from)
		if err != nil {
			return err
		}
		end, err := parseDate(to)
		if err != nil {
			return err
		}
		w.from, w.days = begin, end.since(begin)
		if w.days < 0 || w.days == 0 && w.ends <= w.begins {
			return errors.New("ends before it begins; write the earlier of the two first")
		}
		return nil
	}
	if w.days == 0 && w.ends <= w.begins {
		w.days = w.every
	}
	if w.days == w.every && w.ends == w.begins {
		return errors.New("begins when it ends and would never let anything through; for that, set hold: true")
	}
	return nil
}

func weekday(s string) int {
	for i, name := range weekdays {
		if s == name {
			return i
		}
	}
	return -1
}

func parseDate(s string) (date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 2000 {
		return date{}, fmt.Errorf("%q is no day; write mon, tue, wed, thu, fri, sat or sun, a date such as 2026-12-20, or daily before the first time", s)
	}
	return dateOf(t), nil
}

// midnight at the end of a day, in minutes.
const midnight = 24 * 60

// parseTime reads a time of day as minutes after midnight.
func parseTime(s string) (int, error) {
	hours, minutes, ok := strings.Cut(s, ":")
	h, err1 := strconv.ParseUint(hours, 10, 8)
	m, err2 := strconv.ParseUint(minutes, 10, 8)
	total := int(h)*60 + int(m)
	if !ok || err1 != nil || err2 != nil || len(hours) > 2 || len(minutes) != 2 || m > 59 || total > midnight {
		return 0, fmt.Errorf("%q is no time of day; write it as 08:00 or 16:30", s)
	}
	return total, nil
}

func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone; write UTC or a name such as Europe/Berlin, as in the IANA database", name)
	}
	return zone, nil
}
