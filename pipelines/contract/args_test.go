package contract

import "testing"

func TestNotFound(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, `no build template is called "go"; none is installed`},
		{[]string{"static", "node", "static"}, `no build template is called "go"; installed: node, static`},
	} {
		if got := NotFound("go", c.names).Error(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"main", "mian", 2}, {"kitten", "sitting", 3}, {"same", "same", 0}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
