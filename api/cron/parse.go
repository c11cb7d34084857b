package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // images of programs have no zones
)

// Problem is what is wrong with a schedule, and where.
type Problem struct {
	// Offset of the field in the text, in bytes.
	Offset int
	Reason string
}

// Error is the reason.
func (p *Problem) Error() string { return p.Reason }

// field is what one of the five may have.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on
}

var fields = [...]field{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// Parse reads minute, hour, day of the month, month and day of the week, each a
// *, a value, a range a-b, one of them with a step /n, or a list of these with
// commas. Months and days of the week have English names of three letters, too;
// Sunday is 0 or 7. The error is a *Problem.
func Parse(text string) (*Schedule, error) {
	words, offsets := split(text)
	if len(words) != len(fields) {
		return nil, &Problem{0, fmt.Sprintf(`a schedule has five fields, minute, hour, day of the month, month and day of the week, such as "0 3 * * *"; this has %d`, len(words))}
	}
	var sets [len(fields)]uint64
	for i, f := range fields {
		var err error
		if sets[i], err = f.parse(strings.ToLower(words[i])); err != nil {
			return nil, &Problem{offsets[i], f.name + ": " + err.Error()}
		}
	}
	s := &Schedule{
		minutes: sets[0], hours: sets[1], days: sets[2], months: sets[3], weekdays: sets[4] | sets[4]>>7&1,
		anyDay: words[2] == "*", anyWeekday: words[4] == "*", fixedHour: words[1][0] != '*',
	}
	s.fixedTime = s.fixedHour && words[0][0] != '*'
	if s.anyWeekday && !s.anyMonthHasDay() {
		return nil, &Problem{offsets[2], fmt.Sprintf("day of the month: there is no day %s in month %s, so that the schedule would never come", words[2], words[3])}
	}
	return s, nil
}

// split is strings.Fields with the offset of each.
func split(text string) (words []string, offsets []int) {
	at := 0
	for word := range strings.FieldsSeq(text) {
		at += strings.Index(text[at:], word)
		words, offsets = append(words, word), append(offsets, at)
		at += len(word)
	}
	return words, offsets
}

func (f *field) parse(word string) (set uint64, err error) {
	for part := range strings.SplitSeq(word, ",") {
		bits, err := f.part(part)
		if err != nil {
			return 0, err
		}
		set |= bits
	}
	return set, nil
}

// part reads one of a list.
func (f *field) part(part string) (set uint64, err error) {
	span, every, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		if step, err = strconv.Atoi(every); err != nil || step < 1 || step > f.max {
			return 0, fmt.Errorf("the step %q of %q must be a number from 1 to %d", every, part, f.max)
		}
	}
	first, last := f.min, f.end()
	if span != "*" {
		from, to, ranged := strings.Cut(span, "-")
		if first, err = f.value(from); err != nil {
			return 0, err
		}
		switch {
		case ranged && to == "sun" && first > 0:
			last = 7
		case ranged:
			if last, err = f.value(to); err != nil {
				return 0, err
			}
		case !stepped:
			last = first
		default:
			last = max(first, last)
		}
	}
	if last < first {
		return 0, fmt.Errorf("the range %q ends before it begins; write it as two, with a comma", span)
	}
	for v := first; v <= last; v += step {
		set |= 1 << v
	}
	return set, nil
}

// end is the last value that is not another name of an earlier one.
func (f *field) end() int {
	if f.names != nil {
		return f.min + len(f.names) - 1
	}
	return f.max
}

func (f *field) value(text string) (int, error) {
	for i, name := range f.names {
		if text == name {
			return f.min + i, nil
		}
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || int(n) < f.min || int(n) > f.max {
		names := ""
		if f.names != nil {
			names = " or " + strings.Join(f.names, ", ")
		}
		return 0, fmt.Errorf("%q must be *, or a number from %d to %d%s", text, f.min, f.max, names)
	}
	return int(n), nil
}

// anyMonthHasDay reports whether one of the days exists in one of the months.
func (s *Schedule) anyMonthHasDay() bool {
	const leap = 2000
	for d := time.Date(leap, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == leap; d = d.AddDate(0, 0, 1) {
		if has(s.months, int(d.Month())) && has(s.days, d.Day()) {
			return true
		}
	}
	return false
}

// Zone is the time zone with a name of the IANA database; "" is UTC.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone; write UTC or a name such as Europe/Berlin, as in the IANA database", name)
	}
	return zone, nil
}
