package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"Sell more":                           "Sell more",
		" a\tb\r\n c ":                        "a b c",
		"\x1b[31mred\x1b[0m":                  "[31mred[0m",
		"\u009b31mred":                        "31mred",
		"abc\u202efdp.exe":                    "abcfdp.exe",
		"\u2066x\u2069\u200ey":                "xy",
		"one\u2028two":                        "one two",
		"bad \xff\xfe utf":                    "bad utf",
		"é" + strings.Repeat("é", 50):         strings.Repeat("é", 20),
		strings.Repeat("\x07", 400):           "",
		"👩\u200d🚀 " + strings.Repeat("x", 90): "👩\u200d🚀 " + strings.Repeat("x", 28),
	} {
		if got := Line(in, 40); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1bb\u202e", 3)
	f.Fuzz(func(t *testing.T, s string, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		got := Line(s, size)
		if len(got) > size || !utf8.ValidString(got) || Line(got, size) != strings.TrimSpace(got) {
			t.Errorf("Line(%q, %d) = %q", s, size, got)
		}
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 || turnsDirection(r) {
				t.Errorf("Line(%q, %d) = %q", s, size, got)
			}
		}
	})
}

func TestLink(t *testing.T) {
	for in, want := range map[string]bool{
		"https://git.example.com/ada/shop/pulls/1": true,
		"http://10.0.0.1:3000/a/b":                 true,
		"":                                         false,
		"javascript:alert(1)":                      false,
		"https://ada:pw@git.example.com/":          false,
		"https://git.example.com/\x1b[0m":          false,
		"https://git.example.com/a) [b](http://x":  false,
		"https:///a":                               false,
		"/a/b":                                     false,
		"https://h/" + strings.Repeat("a", 2048):   false,
	} {
		if got := Link(in) != ""; got != want {
			t.Errorf("Link(%q): %v", in, got)
		}
	}
}

func TestRequests(t *testing.T) {
	one := func(n int64) Request {
		return Request{Number: n, Title: "Sell\nmore\x1b[2J", HeadRef: "feat/a", BaseRef: "main", HeadSHA: sha, URL: "javascript:x", Labels: []string{"a\x00b"}}
	}
	got, err := Requests([]Request{one(3), one(12), one(3)})
	if err != nil {
		t.Fatal(err)
	}
	want := one(12)
	want.Title, want.URL, want.Labels = "Sell more[2J", "", []string{"ab"}
	if len(got) != 2 || !cmp.Equal(want, got[0]) || got[1].Number != 3 {
		t.Errorf("got %+v", got)
	}
	var many []Request
	for n := range int64(300) {
		many = append(many, Request{Number: n + 1})
	}
	if got, err = Requests(many); err != nil || len(got) != MaxRequests || got[0].Number != 300 || got[199].Number != 101 {
		t.Errorf("of 300: %d, %v", len(got), err)
	}
	for name, bad := range map[string]Request{
		"no number":    {Title: "x"},
		"a short hash": {Number: 1, HeadSHA: "1a2b3c4"},
		"an argument":  {Number: 1, HeadSHA: "--upload-pack=x"},
		"a base":       {Number: 1, HeadSHA: sha, BaseSHA: sha + "\n"},
		"in capitals":  {Number: 1, HeadSHA: strings.ToUpper(sha)},
		"a minus sign": {Number: -1},
	} {
		if got, err := Requests([]Request{one(1), bad}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, ref := range []string{"a\nb", "a\x1bb", strings.Repeat("a", 256), " a"} {
		if got, err := Requests([]Request{{Number: 1, HeadRef: ref}}); err != nil || got[0].HeadRef != "" {
			t.Errorf("the branch %q: %+v, %v", ref, got, err)
		}
	}
}

func TestFit(t *testing.T) {
	s := Status{Context: "headway/build/shop", Description: strings.Repeat("é", 141) + "\n", URL: "x"}.Fit()
	if n := utf8.RuneCountInString(s.Description); n != 140 || !strings.HasSuffix(s.Description, "é…") || s.URL != "" {
		t.Errorf("%d characters: %+v", n, s)
	}
	if again := s.Fit(); again != s {
		t.Errorf("%+v is not what it was: %+v", again, s)
	}
	whole := Status{Description: strings.Repeat("é", 140)}
	if whole.Fit() != whole {
		t.Error("140 characters are cut")
	}
}

// ada may write; bob may not.
var ada, bob, bot = Person{ID: 1, Login: "ada"}, Person{ID: 2, Login: "bob"}, Person{ID: 3, Login: "ci[bot]", Bot: true}

func commit(c string) string { return strings.Repeat(c, 40) }

func at(minute int) time.Time { return time.Date(2026, 11, 27, 12, minute, 0, 0, time.UTC) }

func TestStanding(t *testing.T) {
	tests := []struct {
		name    string
		reviews []Review
		want    string
	}{
		{"approved", []Review{{ada, commit("a"), at(1), For}}, "ada aaaaaaa"},
		{"a remark leaves it", []Review{{ada, commit("a"), at(1), For}, {ada, commit("a"), at(2), NoOpinion}}, "ada aaaaaaa"},
		{"taken back", []Review{{ada, commit("a"), at(1), For}, {ada, commit("a"), at(2), Against}}, ""},
		{"taken back, told in another order", []Review{{ada, commit("a"), at(2), Against}, {ada, commit("a"), at(1), For}}, ""},
		{"approved after all", []Review{{ada, commit("a"), at(1), Against}, {ada, commit("b"), at(2), For}}, "ada bbbbbbb"},
		{"another one's wish for changes", []Review{{ada, commit("a"), at(1), For}, {bob, commit("a"), at(2), Against}}, "ada aaaaaaa"},
		{"of the same moment the later counts", []Review{{ada, commit("a"), at(1), For}, {ada, commit("a"), at(1), Against}}, ""},
		{"no commit", []Review{{ada, "", at(1), For}}, ""},
		{"half a commit", []Review{{ada, "aaaaaaa", at(1), For}}, ""},
	}
	for _, tt := range tests {
		got := ""
		for _, v := range Standing(tt.reviews) {
			got += v.By.Login + " " + v.Commit[:7]
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAllowed(t *testing.T) {
	asked := 0
	may := func(_ context.Context, p Person) (bool, error) {
		asked++
		return p == ada, nil
	}
	votes := []Vote{{ada, commit("a"), at(1)}, {bob, commit("b"), at(5)}, {ada, commit("c"), at(3)}, {bot, commit("d"), at(9)}, {Person{ID: 4, Login: ".."}, commit("e"), at(9)}, {Person{Login: "ghost"}, commit("f"), at(9)}}
	got, err := Allowed(t.Context(), votes, may)
	if diff := cmp.Diff([]Approval{{"ada", commit("c"), at(3)}, {"ada", commit("a"), at(1)}}, got); diff != "" || err != nil || asked != 2 {
		t.Errorf("%v, asked for %d persons: %s", err, asked, diff)
	}
	asked = 0
	var crowd []Vote
	for i := range 500 {
		crowd = append(crowd, Vote{Person{ID: int64(100 + i), Login: fmt.Sprint("u", i)}, commit("a"), at(1)})
	}
	if got, _ := Allowed(t.Context(), crowd, may); got != nil || asked != 20 {
		t.Errorf("asked for %d of 500 persons: %v", asked, got)
	}
	away := errors.New("away")
	if _, err := Allowed(t.Context(), votes, func(context.Context, Person) (bool, error) { return true, away }); !errors.Is(err, away) {
		t.Errorf("an unknown permission: %v", err)
	}
}

func TestMarked(t *testing.T) {
	for comment, want := range map[string]bool{
		"<!-- headway:preview -->\nx": true, "<!-- headway:preview -->\r\nx": true, "<!-- headway:preview -->": true,
		"": false, "x\n<!-- headway:preview -->": false, "> <!-- headway:preview -->": false,
	} {
		if got := Marked(comment, "<!-- headway:preview -->"); got != want {
			t.Errorf("%q: %v", comment, got)
		}
	}
}

func TestAmong(t *testing.T) {
	p := Proposal{Head: "headway/revert/shop", Base: "main"}
	requests := []Request{{URL: "1", HeadRef: p.Head, BaseRef: "main"}, {URL: "2", HeadRef: p.Head, BaseRef: "dev", SameRepository: true}, {URL: "3", HeadRef: p.Head, BaseRef: "main", SameRepository: true}}
	if got := p.Among(requests); got != "3" {
		t.Errorf("found %q", got)
	}
	if got := p.Among(requests[:2]); got != "" {
		t.Errorf("found %q, which is of a fork or another base", got)
	}
}
