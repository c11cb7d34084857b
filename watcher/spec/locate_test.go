package spec

import "testing"

func TestLocate(t *testing.T) {
	const data = "# shop\nname: shop\nbuild: {with: go,\n  args: {main: ./x}}\n"
	for key, want := range map[string]position{
		"name":            {2, 7},
		"build":           {3, 8},
		"build.args.main": {4, 16},
		"build.args.tags": {4, 9},
		"path":            {1, 1},
		"name.x":          {2, 7},
	} {
		line, column := Locate([]byte(data), key)
		if got := (position{line, column}); got != want {
			t.Errorf("Locate(%q) = %v, want %v", key, got, want)
		}
	}
	if line, column := Locate([]byte("{"), "name"); line != 1 || column != 1 {
		t.Errorf("in a broken file: %d:%d", line, column)
	}
}
