package specfile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSkipped(t *testing.T) {
	for file, want := range map[string]bool{
		"headway.yaml":                               false,
		"services/shop/headway.yaml":                 false,
		"vendor/headway.yaml":                        true,
		"services/shop/vendor/x/headway.yaml":        true,
		"web/node_modules/@acme/headway.yaml":        true,
		"internal/testdata/a/b/headway.yaml":         true,
		"services/vendors/headway.yaml":              false,
		"testdata.d/headway.yaml":                    false,
		"{{cookiecutter.name}}/vendor2/headway.yaml": false,
	} {
		if got := Skipped(file); got != want {
			t.Errorf("Skipped(%q) = %v, want %v", file, got, want)
		}
	}
}

func TestIsTemplate(t *testing.T) {
	for _, c := range []struct {
		name, file, data string
		want             bool
	}{
		{"a name to fill in", "", "name: {{ cookiecutter.name }}\nport: 8080\n", true},
		{"in quotes", "", "name: \"{{ name }}\"\n", true},
		{"with a dollar", "", "name: ${{ values.name }}\n", true},
		{"a port to fill in", "", "name: shop\nport: {{.Port}}\n", true},
		{"a statement", "", "name: shop\n{% if health %}\nhealth: {path: /}\n{% endif %}\n", true},
		{"an expression of EJS", "", "name: <%= name %>\n", true},
		{"in the last line", "", "name: shop\nenv:\n  A: b\n{{ more }}", true},
		{"a folder to fill in", "{{cookiecutter.slug}}/headway.yaml", "name: demo\n", true},
		{"valid, with a placeholder in a value", "", "name: shop\nenv: {HELLO: \"Hello {{ name }}\"}\n", false},
		{"another mistake than the placeholder", "", "name: shop\nenv: {HELLO: \"Hello {{ name }}\"}\nprot: 8080\n", false},
		{"not YAML", "", "name: shop\n  x: [\n", false},
		{"empty", "", "", false},
	} {
		file := c.file
		if file == "" {
			file = FileName
		}
		_, err := Parse(file, []byte(c.data))
		if got := IsTemplate(file, []byte(c.data), err); got != c.want {
			t.Errorf("%s: IsTemplate = %v, want %v (%v)", c.name, got, c.want, err)
		}
	}
}

func TestClaimedName(t *testing.T) {
	for data, want := range map[string]string{
		"name: shop\nprot: 1\n":            "shop",
		"prot: [\nname: 'shop' # the shop": "shop",
		"name: shop\r\nport: x\r\n":        "shop",
		"name: {{ x }}\n":                  "",
		"name: Shop\n":                     "",
		"name: a\nname: b\n":               "",
		"env:\n  name: shop\n":             "",
		"nothing":                          "",
	} {
		if got := ClaimedName([]byte(data)); got != want {
			t.Errorf("ClaimedName(%q) = %q, want %q", data, got, want)
		}
	}
}

func TestClaimed(t *testing.T) {
	for _, c := range []struct {
		data string
		want []string
		sure bool
	}{
		{"name: shop\nprot: 1\n", nil, true},
		{"prot: 1\nchannels: [{name: orders, kep: 1h}, {name: mail}]\nchannels: [{name: more}]\n", []string{"orders", "mail", "more"}, true},
		{"channels: [{nam: orders}, {name: mail}]\n", []string{"mail"}, false},
		{"channels: [orders]\n", nil, false},
		{"channels: {orders: {}}\n", nil, false},
		{"channels: orders\n", nil, false},
		{"channels: [{name: orders}]\nsources: [{name: push}]\n", []string{"orders", "push"}, true},
		{"channels: [{name: orders}]\nsources: [push]\n", []string{"orders"}, false},
		{"channels:\n", nil, true},
		{"channels: [}\n", nil, false},
		{"[a, b]\n", nil, true},
		{"", nil, false},
		{"name: &x shop\n", nil, false},
	} {
		names, sources, sure := Claimed([]byte(c.data))
		if diff := cmp.Diff(c.want, append(names, sources...)); diff != "" || sure != c.sure {
			t.Errorf("%q: sure %v (-want +got)\n%s", c.data, sure, diff)
		}
	}
}
