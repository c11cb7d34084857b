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
