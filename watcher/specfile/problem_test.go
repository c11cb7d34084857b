package specfile

import "testing"

func TestProblemOfAKey(t *testing.T) {
	s, err := Parse("a/headway.yaml", []byte("# shop\nname: shop\nbuild: {with: go,\n  args: {main: ./x}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"name":            ":2:7: name: wrong",
		"build":           ":3:8: build: wrong",
		"build.args.main": ":4:16: build.args.main: wrong",
		"build.args.tags": ":4:9: build.args.tags: wrong",
		"path":            ":1:1: path: wrong",
		"name.x":          ":2:7: name.x: wrong",
		"":                ":1:1: wrong",
	} {
		if got := s.Problem(key, "wrong").String(); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
