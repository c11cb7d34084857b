package nearest

import "testing"

func TestTo(t *testing.T) {
	valid := []string{"main", "port", "resources", "PATH"}
	for word, want := range map[string]string{
		"mian": "main", "prot": "port", "Port": "port", "path": "PATH", "resource": "resources",
		"": "", "pro": "", "something": "", "xain": "main",
	} {
		if got := To(word, valid); got != want {
			t.Errorf("To(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"main", "mian", 1}, {"kitten", "sitting", 3}, {"same", "same", 0}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
