package cursor

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/scenario"
)

// TestScenarios plays the files in testdata: what happens to the place of one
// subscription, one command a line.
//
//	begin N            it begins after event N of channel orders
//	delivered A-B      these events are done with, each in this way; or one: A
//	filtered A-B
//	dead A-B
//	pass A-B           the same for all at once, as filtered
//	retry A-B          each is to be tried again
//	expire N           the channel has no events up to N any more
//	pullback N         N is the newest event of the channel
//	flush              all that was recorded is on disk
//	crash              the process ends, and finds what the last flush has written
//	restart            it ends in order, and begins again
//	remove             the subscription is removed
//	wait D             so much time passes
//	place CHANNEL      the subscription is there, and reads this channel
//	open N             the first event from N on that is not done with
//
// Below each line that changes something stands where the place is then.
func TestScenarios(t *testing.T) { scenario.Play(t, playPlace) }

// placeWorld is a store in a folder, and a place in it.
type placeWorld struct {
	*testing.T
	clock   clock
	folder  string
	flushed string // a copy of the folder
	store   *Store
	channel string
	place   *Place
	begun   bool
	out     strings.Builder
}

func playPlace(t *testing.T, script []string) string {
	w := &placeWorld{T: t, clock: clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, channel: "orders"}
	w.folder, w.flushed = t.TempDir(), t.TempDir()
	w.open()
	for _, line := range script {
		w.out.WriteString(line)
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			w.do(words[0], strings.Join(words[1:], " "))
		}
	}
	closeStore(t, w.store)
	return w.out.String()
}

func (w *placeWorld) open() {
	var err error
	if w.store, err = Open(filepath.Join(w.folder, "cursors"), w.clock.now); err != nil {
		w.Fatal(err)
	}
	w.place, w.begun = w.store.Place(mail, w.channel)
}

// do does one command, and writes down where the place is.
func (w *placeWorld) do(command, about string) {
	results := map[string]Result{"delivered": Delivered, "filtered": Filtered, "dead": Dead}
	from, to := parseSpan(about)
	switch command {
	case "delivered", "filtered", "dead":
		for seq := from; seq <= to; seq++ {
			w.place.End(seq, results[command])
		}
	case "retry":
		for seq := from; seq <= to; seq++ {
			w.place.Retry(seq, Entry{Attempts: 1})
		}
	case "pass":
		w.place.Pass(from, to, Filtered, to-from+1)
	case "begin":
		w.place.Begin(w.channel, from)
		w.begun = true
	case "expire":
		w.place.Expire(from)
	case "pullback":
		w.place.PullBack(from)
	case "open":
		fmt.Fprintf(&w.out, "    %d\n", w.place.NextOpen(from))
		return
	case "flush":
		w.flush()
		return
	case "crash":
		closeStore(w.T, w.store)
		w.folder = w.flushed
		w.open()
	case "restart":
		closeStore(w.T, w.store)
		w.open()
	case "remove":
		w.store.Remove(mail)
		return
	case "wait":
		d, err := time.ParseDuration(about)
		if err != nil {
			w.Fatal(err)
		}
		w.clock.t = w.clock.t.Add(d)
		w.store.Sweep()
		return
	case "place":
		w.channel = about
		w.place, w.begun = w.store.Place(mail, about)
	default:
		w.Fatalf("unknown command %q", command)
	}
	w.tell()
}

// flush has everything on disk, and keeps it as it is then.
func (w *placeWorld) flush() {
	if err := w.store.Flush(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.flushed = w.TempDir()
	if err := os.CopyFS(w.flushed, os.DirFS(w.folder)); err != nil {
		w.Fatal(err)
	}
}

// tell writes where the place is.
func (w *placeWorld) tell() {
	if !w.begun {
		w.out.WriteString("    not begun\n")
		return
	}
	c := w.place.Counts()
	fmt.Fprintf(&w.out, "    all up to %d", c.Floor)
	if c.Above > 0 {
		fmt.Fprintf(&w.out, " and %s", spans(w.place.above()))
	}
	fmt.Fprintf(&w.out, ": %d delivered, %d filtered, %d dead", c.Delivered, c.Filtered, c.Dead)
	if c.Retrying > 0 {
		fmt.Fprintf(&w.out, "; again %s", spans(slices.Sorted(maps.Keys(w.place.Entries()))))
	}
	w.out.WriteString("\n")
}

// above are the events above the floor that are done with.
func (p *Place) above() (all []uint64) {
	for seq, left := p.Counts().Floor+1, p.Counts().Above; left > 0; seq++ {
		if p.NextOpen(seq) != seq {
			all = append(all, seq)
			left--
		}
	}
	return all
}

// parseSpan reads A-B, or A.
func parseSpan(text string) (from, to uint64) {
	first, last, ok := strings.Cut(text, "-")
	if !ok {
		last = first
	}
	from, _ = strconv.ParseUint(first, 10, 64)
	to, _ = strconv.ParseUint(last, 10, 64)
	return from, to
}

// spans writes numbers as A-B and A.
func spans(numbers []uint64) string {
	var out []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if text := fmt.Sprint(numbers[i]); i == j {
			out = append(out, text)
		} else {
			out = append(out, fmt.Sprintf("%s-%d", text, numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(out, ", ")
}
