//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// party is one program for three apps. journal remembers the notes that it is
// sent; front says what it hears from back; with an argument the program is a setup
// or a teardown, which sends a note to journal.
const party = `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
)

func ask(to string) string {
	answer, err := http.Get(to)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return fmt.Sprint(answer.StatusCode, " ", string(body), err)
}

func main() {
	if len(os.Args) > 1 {
		said := ask(os.Getenv("JOURNAL") + "/?note=" + os.Args[1] + "+" + os.Getenv("K_REVISION") + "+" + os.Getenv("DATABASE"))
		fmt.Println(said)
		if !strings.HasPrefix(said, "200") {
			os.Exit(1)
		}
		return
	}
	var lock sync.Mutex
	var notes []string
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		if note := r.FormValue("note"); note != "" {
			notes = append(notes, note)
		}
		for _, note := range notes {
			fmt.Fprintln(w, note)
		}
		fmt.Fprintf(w, "this is %s\n", os.Getenv("TEXT"))
		if back := os.Getenv("BACK"); back != "" {
			fmt.Fprintf(w, "back says %s\n", ask(back))
		}
	})))
}
`

// TestSetupAndLinks: a preview has its setup run once, before it answers, and its
// teardown when it goes, both with its own variables; and it finds the preview of
// another app of its request, not that of production, and production's of an app
// that the request does not touch.
func TestSetupAndLinks(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGiteaFrom(t.TempDir())
	code.write("party/go.mod", "module party\n\ngo 1.26\n")
	code.write("party/main.go", party)
	spec := func(name, text, more string) {
		code.write(name+"/headway.yaml", fmt.Sprintf("name: %s\npath: party\nenv: {TEXT: %s}\n%s\n", name, text, more))
	}
	write := func(text string) {
		spec("front", text+"-front", "preview: {env: {DATABASE: scratch}, link: {BACK: back, JOURNAL: journal}, setup: [./party, setup], teardown: [./party, teardown]}")
		spec("back", text+"-back", "preview: true")
	}
	spec("journal", "journal", "scale: {min: 1}")
	write("old")
	code.watchForge()
	main := code.push("Production")
	for _, app := range []string{"front", "back", "journal"} {
		tm.waitLive(app, main)
	}
	alone, runs := tm.left(), len(tm.runs(""))
	code.waitNotes()
	waitHears := func(url, text string) { // pods may sleep, and wake beside others
		t.Helper()
		heard := fmt.Sprintf("this is %s-front\nback says 200 this is %s-back\n", text, text)
		eventually(t, soon, url+" answers "+heard, func() error { return tm.answers(url, http.StatusOK, heard) })
	}

	first := code.pushBranch("door", func() { write("new") })
	number := code.open(code.owner, "door", "A door")
	preview := tm.waitLive("front-pr-1", first)
	tm.waitLive("back-pr-1", first)
	waitHears(preview.Status.URL, "new")
	setup := "setup front-pr-1-" + first[:8] + " scratch"
	code.waitNotes(setup)
	tm.wantAnswer(tm.url("front"), "this is old-front")

	second := code.pushBranch("door", func() { write("newer") })
	tm.waitLive("front-pr-1", second)
	tm.waitLive("back-pr-1", second)
	waitHears(preview.Status.URL, "newer")
	code.waitNotes(setup)

	code.setState(number, "closed")
	eventually(t, time.Minute, "nothing is left of the previews", func() error {
		for _, name := range tm.left() {
			if !slices.Contains(alone, name) && strings.Contains(name, "-pr-1") {
				return fmt.Errorf("there is %s", name)
			}
		}
		return nil
	})
	code.waitNotes(setup, "teardown front-pr-1-"+second[:8]+" scratch")
	if now := len(tm.runs("")); now > runs {
		t.Errorf("%d builds of files that production has built", now-runs)
	}
}

// waitNotes waits until production's journal has these notes and no other.
func (f *forge) waitNotes(notes ...string) {
	f.Helper()
	eventually(f.T, moment, fmt.Sprintf("the journal has %q", notes), func() error {
		web := localcluster.Browser()
		defer web.CloseIdleConnections()
		got, err := localcluster.Fetch(f.Context(), web, f.url("journal"))
		if err != nil {
			return err
		}
		return want("the journal", got.Body, strings.Join(append(notes, "this is journal\n"), "\n"))
	})
}
