package filter

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

type values = map[string]string

func order() *event.Event {
	return &event.Event{
		ID: "7", Source: "/orders", Type: "order.created", Time: "2026-05-04T12:00:00Z",
		Extensions: []event.Attribute{{Name: "amount", Value: "250"}, {Name: "empty"}, {Name: "long", Value: strings.Repeat("a", MaxRead)}, {Name: "zone", Value: "eu-west"}},
	}
}

func TestMatch(t *testing.T) {
	one := func(name, value string) v1alpha1.EventFilter { return v1alpha1.EventFilter{Exact: values{name: value}} }
	missing := one("subject", "x")
	for _, tt := range []struct {
		name   string
		filter *v1alpha1.EventFilter
		reason string // "" for a match
	}{
		{"no filter", nil, ""},
		{"exact", &v1alpha1.EventFilter{Exact: values{"type": "order.created", "zone": "eu-west", "specversion": "1.0"}}, ""},
		{"not exact", &v1alpha1.EventFilter{Exact: values{"type": "order", "zone": "eu-west"}}, `exact: type is not "order"`},
		{"exact is exact about capitals", &v1alpha1.EventFilter{Exact: values{"type": "Order.created"}}, `exact: type is not "Order.created"`},
		{"exact, missing", &missing, "exact: the event has no subject"},
		{"exact, empty", &v1alpha1.EventFilter{Exact: values{"empty": "x"}}, `exact: empty is not "x"`},
		{"prefix", &v1alpha1.EventFilter{Prefix: values{"type": "order.", "source": "/"}}, ""},
		{"no prefix", &v1alpha1.EventFilter{Prefix: values{"type": "created"}}, `prefix: type does not begin with "created"`},
		{"prefix, missing", &v1alpha1.EventFilter{Prefix: values{"subject": "a"}}, "prefix: the event has no subject"},
		{"suffix", &v1alpha1.EventFilter{Suffix: values{"type": ".created"}}, ""},
		{"no suffix", &v1alpha1.EventFilter{Suffix: values{"type": "order"}}, `suffix: type does not end with "order"`},
		{"parts of several kinds must all match", &v1alpha1.EventFilter{Prefix: values{"type": "order"}, Suffix: values{"type": "deleted"}}, `suffix: type does not end with "deleted"`},
		{"all", &v1alpha1.EventFilter{All: []v1alpha1.EventFilter{one("id", "7"), one("zone", "eu-west")}}, ""},
		{"not all", &v1alpha1.EventFilter{All: []v1alpha1.EventFilter{one("id", "7"), one("zone", "us")}}, `all[1].exact: zone is not "us"`},
		{"any", &v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{one("id", "8"), one("zone", "eu-west")}}, ""},
		{"none of any", &v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{one("id", "8"), missing}}, "any: the event matches none of these"},
		{"not", &v1alpha1.EventFilter{Not: new(one("id", "8"))}, ""},
		{"not not", &v1alpha1.EventFilter{Not: new(one("id", "7"))}, "not: the event matches it"},
		{"not of what is missing", &v1alpha1.EventFilter{Not: &missing}, ""},
		{"cesql", &v1alpha1.EventFilter{CESQL: "amount > 100 AND zone LIKE 'eu-%' AND EXISTS amount AND NOT EXISTS subject"}, ""},
		{"cesql knows the attributes of CloudEvents", &v1alpha1.EventFilter{CESQL: "id = 7 AND source = '/orders' AND type LIKE 'order%' AND specversion = '1.0' AND time = '2026-05-04T12:00:00Z'"}, ""},
		{"cesql is false", &v1alpha1.EventFilter{CESQL: "amount > 1000"}, "cesql: the expression is false"},
		{"cesql that is no boolean", &v1alpha1.EventFilter{CESQL: "amount"}, "cesql: cast error: cannot cast String to Boolean, actual value: 250"},
		{"cesql, missing", &v1alpha1.EventFilter{CESQL: "TRUE AND subject = 'x'"}, "cesql: missing attribute error: subject"},
		{"cesql, missing in OR", &v1alpha1.EventFilter{CESQL: "subject = 'x' OR TRUE"}, "cesql: missing attribute error: subject"},
		{"not of a cesql that fails", &v1alpha1.EventFilter{Not: &v1alpha1.EventFilter{CESQL: "subject = 'x'"}}, ""},
		{"cesql, brackets in texts and side by side", &v1alpha1.EventFilter{CESQL: "id != '" + strings.Repeat("(", 60) + "'" + strings.Repeat(" AND (TRUE)", 60)}, ""},
		{"cesql, too long", &v1alpha1.EventFilter{CESQL: "long = id"}, "cesql: the attributes that the expression reads are longer than 4096 bytes"},
		{"nested", &v1alpha1.EventFilter{All: []v1alpha1.EventFilter{{Any: []v1alpha1.EventFilter{{Not: &v1alpha1.EventFilter{CESQL: "TRUE"}}}}}}, "all[0].any: the event matches none of these"},
	} {
		filter, err := Compile(tt.filter)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		want := Verdict{Match: tt.reason == "", Reason: tt.reason}
		if diff := cmp.Diff(want, filter.Match(order())); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// TestTimeInSmallLetters: RFC 3339 has two spellings, and expressions see one.
func TestTimeInSmallLetters(t *testing.T) {
	e := order()
	e.Time = strings.ToLower(e.Time)
	f, err := Compile(&v1alpha1.EventFilter{CESQL: "time = '2026-05-04T12:00:00Z'"})
	if err != nil {
		t.Fatal(err)
	}
	if verdict := f.Match(e); !verdict.Match {
		t.Error(verdict.Reason)
	}
}

func TestType(t *testing.T) {
	typed := func(name string) v1alpha1.EventFilter { return v1alpha1.EventFilter{Exact: values{"type": name}} }
	for name, tt := range map[string]struct {
		filter *v1alpha1.EventFilter
		want   string
	}{
		"no filter":            {nil, ""},
		"exact":                {&v1alpha1.EventFilter{Exact: values{"id": "1", "type": "a"}, CESQL: "TRUE"}, "a"},
		"of another attribute": {&v1alpha1.EventFilter{Exact: values{"source": "a"}}, ""},
		"prefix":               {&v1alpha1.EventFilter{Prefix: values{"type": "a"}}, ""},
		"in all":               {&v1alpha1.EventFilter{All: []v1alpha1.EventFilter{{CESQL: "TRUE"}, typed("a")}}, "a"},
		"in each of any":       {&v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{typed("a"), typed("a")}}, "a"},
		"two in any":           {&v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{typed("a"), typed("b")}}, ""},
		"in one of any":        {&v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{typed("a"), {CESQL: "TRUE"}}}, ""},
		"not":                  {&v1alpha1.EventFilter{Not: new(typed("a"))}, ""},
	} {
		filter, err := Compile(tt.filter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, found := filter.Type(); found != (tt.want != "") || found && got != tt.want {
			t.Errorf("%s: type %q, %v, want %q", name, got, found, tt.want)
		}
	}
}

func TestProblems(t *testing.T) {
	deep := &v1alpha1.EventFilter{CESQL: "TRUE"}
	for range MaxDepth {
		deep = &v1alpha1.EventFilter{Not: deep}
	}
	wide := &v1alpha1.EventFilter{}
	for range MaxParts/2 + 1 {
		wide.All = append(wide.All, v1alpha1.EventFilter{CESQL: "TRUE"})
	}
	sql := func(text string) *v1alpha1.EventFilter { return &v1alpha1.EventFilter{CESQL: text} }
	for name, tt := range map[string]struct {
		filter       *v1alpha1.EventFilter
		path, reason string
	}{
		"empty":                 {&v1alpha1.EventFilter{}, "", "this filter says nothing, and all events would match; leave it out"},
		"empty in any":          {&v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{{CESQL: "TRUE"}, {}}}, "any[1]", "this filter says nothing, and all events would match; leave it out"},
		"empty in not":          {&v1alpha1.EventFilter{Not: &v1alpha1.EventFilter{}}, "not", "this filter says nothing, and all events would match; leave it out"},
		"a name":                {&v1alpha1.EventFilter{Suffix: values{"dataContentType": "x"}}, "suffix", `"dataContentType" is no attribute: names are of lower-case letters and digits`},
		"data":                  {&v1alpha1.EventFilter{Exact: values{"data": "x"}}, "exact", `"data" is no attribute: names are of lower-case letters and digits`},
		"no value":              {&v1alpha1.EventFilter{All: []v1alpha1.EventFilter{{Prefix: values{"type": ""}}}}, "all[0].prefix.type", "there is nothing to compare the attribute with"},
		"a missing bracket":     {&v1alpha1.EventFilter{Any: []v1alpha1.EventFilter{{CESQL: "TRUE"}, {CESQL: "amount > (1\n+ 2"}}}, "any[1].cesql", "line 2, column 4: "},
		"a missing operand":     {sql("amount >"), "cesql", "line 1, column 9: "},
		"too much":              {sql("TRUE TRUE"), "cesql", "line 1, column 6: "},
		"an unknown character":  {sql("amount = §5"), "cesql", "line 1, column 10: "},
		"no text":               {sql(" "), "cesql", "line 1, column 2: "},
		"too large a number":    {sql("amount = 3000000000"), "cesql", "line 1, column 10: 3000000000 is no number of 32 bits"},
		"no such function":      {sql("TRUE AND NOW() = 1"), "cesql", "line 1, column 10: there is no function NOW with 0 arguments"},
		"arguments":             {sql("LEFT(id)"), "cesql", "line 1, column 1: there is no function LEFT with 1 arguments"},
		"too long":              {sql(strings.Repeat(" ", MaxExpression) + "1"), "cesql", "the expression is 4097 bytes long; it can be 4096"},
		"patterns":              {sql("id LIKE '" + strings.Repeat("a", 128) + "' OR id NOT LIKE '" + strings.Repeat("b", 129) + "'"), "cesql", "the patterns of LIKE can be 256 bytes long together"},
		"concat":                {sql("CONCAT(" + strings.Repeat("id,", 4) + "CONCAT_WS(" + strings.Repeat("id,", 4) + "id)) = 'x'"), "cesql", "all CONCAT and CONCAT_WS together can have 8 arguments"},
		"brackets":              {sql(strings.Repeat("(", 4000)), "cesql", "line 1, column 51: brackets can be nested 50 deep"},
		"brackets of functions": {sql(strings.Repeat("ABS(", MaxBrackets) + "(1" + strings.Repeat(")", MaxBrackets+1)), "cesql", "line 1, column 201: brackets can be nested 50 deep"},
		"too deep":              {deep, strings.TrimSuffix(strings.Repeat("not.", MaxDepth), "."), "a filter can be nested 50 deep"},
		"too many":              {wide, "", "a filter can have 200 parts"},
	} {
		_, err := Compile(tt.filter)
		problem, ok := errors.AsType[*Problem](err)
		if !ok {
			t.Errorf("%s: error %v is no Problem", name, err)
			continue
		}
		if problem.Path != tt.path || !strings.HasPrefix(problem.Reason, tt.reason) {
			t.Errorf("%s: problem at %q: %s\nwant at %q: %s", name, problem.Path, problem.Reason, tt.path, tt.reason)
		}
	}
}

// FuzzCESQL: no expression makes the program panic, or decides two ways about
// one event.
func FuzzCESQL(f *testing.F) {
	for _, seed := range []string{
		"amount > 100", "ABC(", "NOT NOT subject", "1 / 0", "-2147483648 / -1", "ABS(-2147483648)", "SUBSTRING('a', -5, 9)", "LEFT(id, -1)",
		"'a' IN ('b', 1)", "id LIKE '%_\\%'", "((((((1))))))", "\"a\\\"\" = 'b\\''", "CONCAT_WS()", "x.y", "§", "id LIKE id", "RIGHT('é', 1)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := Compile(&v1alpha1.EventFilter{CESQL: text})
		if err != nil {
			if _, ok := errors.AsType[*Problem](err); !ok || err.Error() == "" {
				t.Fatalf("error %v is no Problem", err)
			}
			return
		}
		if first, second := filter.Match(order()), filter.Match(order()); first != second {
			t.Fatalf("two verdicts about one event: %+v, %+v", first, second)
		}
	})
}

// BenchmarkMatch is what a filter costs for each event.
func BenchmarkMatch(b *testing.B) {
	long := order()
	long.Set("long", strings.Repeat("a", MaxRead))
	for name, tt := range map[string]struct {
		event  *event.Event
		filter v1alpha1.EventFilter
	}{
		"exact, another type": {order(), v1alpha1.EventFilter{Exact: values{"type": "x"}}},
		"exact, three":        {order(), v1alpha1.EventFilter{Exact: values{"type": "order.created", "zone": "eu-west", "source": "/orders"}}},
		"cesql, three":        {order(), v1alpha1.EventFilter{CESQL: "amount > 100 AND zone LIKE 'eu-%' AND type = 'order.created'"}},
		"cesql, missing":      {order(), v1alpha1.EventFilter{CESQL: "colour = 'red'"}},
		"cesql, worst": {long, v1alpha1.EventFilter{CESQL: fmt.Sprintf("CONCAT(%slong) LIKE '%%%sb'",
			strings.Repeat("long,", MaxConcat-1), strings.Repeat("a", MaxPatterns-2))}},
	} {
		filter, err := Compile(&tt.filter)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				filter.Match(tt.event)
			}
		})
	}
}

// TestManyAtATime is for the race detector: parsers share caches, and a filter
// is used by all readers of its channel.
func TestManyAtATime(t *testing.T) {
	shared, err := Compile(&v1alpha1.EventFilter{CESQL: "amount > 100"})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			own, err := Compile(&v1alpha1.EventFilter{CESQL: fmt.Sprintf("amount > %d AND LEFT(zone, 2) = 'eu'", i)})
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				if !shared.Match(order()).Match || !own.Match(order()).Match {
					t.Error("no match")
				}
			}
		})
	}
	group.Wait()
}
