package specfile

import "testing"

func TestHash(t *testing.T) {
	const base = "name: shop\nenv: {A: 1, B: 2}\nbuild: {with: go, args: {x: 1, y: 2}}\nresources: {cpu: 100m}\n"
	for _, c := range []struct {
		name, data string
		same       bool
	}{
		{"other order and comments", "# hi\nbuild: {args: {y: 2, x: 1}, with: go}\nresources: {cpu: 0.1}\nenv: {B: 2, A: 1}\nname: shop\n", true},
		{"defaults spelled out", base + "port: 8080\ntimeout: 1m\nscale: {min: 0}\n", true},
		{"name, watch, ignore, hosts and pin are not frozen", "name: other\nenv: {A: 1, B: 2}\nbuild: {with: go, args: {x: 1, y: 2}}\nresources: {cpu: 100m}\nwatch: [x]\nignore: [y]\nhosts: [shop.example.com]\npin: abcdef12\n", true},
		{"env", base + "port: 8081\n", false},
		{"command", base + "command: [./run]\n", false},
		{"args", base + "args: [-v]\n", false},
		{"no args", base + "args: []\n", true},
		{"path", base + "path: a\n", false},
		{"timeout", base + "timeout: 61s\n", false},
		{"scale", base + "scale: {max: 3}\n", false},
		{"health", base + "health: {path: /}\n", false},
		{"build", "name: shop\nenv: {A: 1, B: 2}\nbuild: {with: go, args: {x: 1, y: 3}}\nresources: {cpu: 100m}\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hashOf(t, base) == hashOf(t, c.data); got != c.same {
				t.Errorf("same hash = %v, want %v", got, c.same)
			}
		})
	}
}

func hashOf(t *testing.T, data string) string {
	t.Helper()
	s, err := Parse(FileName, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return Hash(s)
}
