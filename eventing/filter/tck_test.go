package filter

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlerrors "github.com/cloudevents/sdk-go/sql/v2/errors"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// tckCases is how many cases the module's files have: a file that is not found
// must not look like one that passes.
const tckCases = 275

type tckFile struct {
	Name  string
	Tests []tckCase
}

type tckCase struct {
	Name, Expression string
	Result           any
	Error            string
	Event            map[string]any
	EventOverrides   map[string]any
}

// asText are the cases whose result is an extension as it is. Headway keeps
// extensions as text, as they come in headers, and expressions cast them where
// they need something else; so the result has the type string.
var asText = map[string]string{
	"Access to optional boolean extension": "true",
	"Access to optional integer extension": "10",
}

// TestTCK runs the technology compatibility kit of CloudEvents SQL, as the module
// of the SDK carries it, through what Headway makes of an expression.
func TestTCK(t *testing.T) {
	run := 0
	for _, file := range tckFiles(t) {
		for _, tt := range file.Tests {
			run++
			t.Run(file.Name+"/"+tt.Name, func(t *testing.T) { runTCK(t, tt) })
		}
	}
	if run != tckCases {
		t.Errorf("ran %d cases, want %d", run, tckCases)
	}
}

func runTCK(t *testing.T, tt tckCase) {
	made, problem := newExpression("cesql", tt.Expression)
	// Functions are known when a filter is compiled, so that it is refused then.
	if tt.Error == "parse" || tt.Error == "missingFunction" {
		if problem == nil {
			t.Fatalf("%s is accepted", tt.Expression)
		}
		return
	}
	if problem != nil {
		t.Fatal(problem)
	}
	x := made.(*expression)
	result, err := x.parsed.Evaluate(x.view(tt.event(t)))
	if is := kinds[tt.Error]; is == nil && err != nil || is != nil && !is(err) {
		t.Errorf("%s: error %v, want %q", tt.Expression, err, tt.Error)
	}
	want := tt.Result
	if number, ok := want.(float64); ok {
		want = int32(number)
	}
	if text, ok := asText[tt.Name]; ok {
		want = text
	}
	if result != want {
		t.Errorf("%s = %v (%T), want %v", tt.Expression, result, result, want)
	}
	if verdict := x.match(tt.event(t)); verdict.Match && (err != nil || result == false) {
		t.Errorf("%s matches, with result %v, error %v", tt.Expression, result, err)
	}
}

// kinds of errors in the TCK.
var kinds = map[string]func(error) bool{
	"math": sqlerrors.IsMathError, "cast": sqlerrors.IsCastError, "missingAttribute": sqlerrors.IsMissingAttributeError,
	"functionEvaluation": sqlerrors.IsFunctionEvaluationError, "generic": sqlerrors.IsGenericError,
}

// event is the event of a case; without one, the full event of the SDK's tests.
func (tt tckCase) event(t *testing.T) *event.Event {
	attributes := map[string]any{
		"id": "full-event", "source": "/source", "type": "com.example.FullEvent", "subject": "topic", "datacontenttype": "text/json",
		"dataschema": "http://example.com/schema", "time": "2020-03-21T12:34:56.78Z",
		"exbool": true, "exint": 42, "exstring": "exstring", "exbinary": base64.StdEncoding.EncodeToString([]byte{0, 1, 2, 3}),
		"exurl": "http://example.com/source", "extime": "2020-03-21T12:34:56.78Z",
	}
	if tt.Event != nil {
		attributes = tt.Event
	}
	e := &event.Event{}
	for _, values := range []map[string]any{attributes, tt.EventOverrides} {
		for name, value := range values {
			if at, ok := value.(time.Time); ok {
				value = at.Format(time.RFC3339Nano)
			}
			if name != "data" {
				e.Set(name, fmt.Sprint(value))
			}
		}
	}
	return e
}

// tckFiles reads the files from where the go command has the module.
func tckFiles(t *testing.T) []tckFile {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cloudevents/sdk-go/sql/v2").Output()
	if err != nil {
		t.Fatalf("looking for the module of the SDK: %v", err)
	}
	paths, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "test", "tck", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var files []tckFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file tckFile
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files = append(files, file)
	}
	return files
}

// TestNotOfANumber is the one case in which newer files of the TCK, those of the
// repository of the specification, say something else than the module's: NOT 10
// is an error there, and false in the module. Either is no match.
func TestNotOfANumber(t *testing.T) {
	f, err := Compile(&v1alpha1.EventFilter{CESQL: "NOT 10"})
	if err != nil {
		t.Fatal(err)
	}
	if verdict := f.Match(order()); verdict.Match {
		t.Error("NOT 10 matches")
	}
}

// TestSubscriptionsAPI runs the cases that the TCK has for the other dialects: it
// writes them as expressions, and each must decide as the filter that it stands for.
func TestSubscriptionsAPI(t *testing.T) {
	exact := func(name, value string) v1alpha1.EventFilter { return v1alpha1.EventFilter{Exact: values{name: value}} }
	prefix := func(name, value string) v1alpha1.EventFilter {
		return v1alpha1.EventFilter{Prefix: values{name: value}}
	}
	suffix := func(name, value string) v1alpha1.EventFilter {
		return v1alpha1.EventFilter{Suffix: values{name: value}}
	}
	all := func(parts ...v1alpha1.EventFilter) v1alpha1.EventFilter { return v1alpha1.EventFilter{All: parts} }
	either := func(parts ...v1alpha1.EventFilter) v1alpha1.EventFilter { return v1alpha1.EventFilter{Any: parts} }
	conjunctive := []v1alpha1.EventFilter{
		either(exact("id", "myId"), suffix("type", ".success")),
		either(exact("id", "notmyId"), prefix("source", "https://"), suffix("type", ".warning")),
	}
	filters := map[string]v1alpha1.EventFilter{
		"source LIKE 'https://%'":                        prefix("source", "https://"),
		"myext LIKE 'custom%'":                           prefix("myext", "custom"),
		"type like '%.error'":                            suffix("type", ".error"),
		"myext LIKE '%ext'":                              suffix("myext", "ext"),
		"id = 'myId'":                                    exact("id", "myId"),
		"myext = 'customext'":                            exact("myext", "customext"),
		"id LIKE 'my%' AND source LIKE '%.ca'":           {Prefix: values{"id": "my"}, Suffix: values{"source": ".ca"}},
		"myext LIKE 'custom%' AND type LIKE '%.error'":   all(prefix("myext", "custom"), suffix("type", ".error")),
		"type LIKE 'example.%' AND myext LIKE 'custom%'": all(prefix("type", "example."), prefix("myext", "custom")),
		"id LIKE 'my%' OR source LIKE '%.ca'":            either(prefix("id", "my"), suffix("source", ".ca")),
		"(id = 'myId' AND type LIKE '%.success') OR (id = 'notmyId' AND source LIKE 'http://%' AND type LIKE '%.warning')": either(
			all(exact("id", "myId"), suffix("type", ".success")),
			v1alpha1.EventFilter{Exact: values{"id": "notmyId"}, Prefix: values{"source": "http://"}, Suffix: values{"type": ".warning"}}),
		"(id = 'myId' OR type LIKE '%.success') AND (id = 'notmyId' OR source LIKE 'https://%' OR type LIKE '%.warning')":                           all(conjunctive...),
		"(id = 'myId' OR type LIKE '%.success') AND (id = 'notmyId' OR source LIKE 'https://%' OR type LIKE '%.warning') AND (myext = 'customext')": {All: conjunctive, Exact: values{"myext": "customext"}},
	}
	run := 0
	for _, file := range tckFiles(t) {
		if file.Name != "SubscriptionsAPI Recreations" {
			continue
		}
		for _, tt := range file.Tests {
			run++
			parts, found := filters[tt.Expression]
			if !found {
				t.Errorf("%s: no filter for %s", tt.Name, tt.Expression)
				continue
			}
			want := tt.Result == true && tt.Error == ""
			for _, f := range []*v1alpha1.EventFilter{{CESQL: tt.Expression}, &parts, {Not: &v1alpha1.EventFilter{Not: &parts}}} {
				compiled, err := Compile(f)
				if err != nil {
					t.Fatalf("%s: %v", tt.Name, err)
				}
				if verdict := compiled.Match(tt.event(t)); verdict.Match != want {
					t.Errorf("%s: %+v, want a match: %v", tt.Name, verdict, want)
				}
			}
		}
	}
	if run < 25 {
		t.Errorf("ran %d cases only", run)
	}
}
