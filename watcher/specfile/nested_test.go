package specfile

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// station is what the table of this test reads: lists of mappings, which
// headway.yaml does not have, and mappings of mappings.
type station struct {
	trains []train
	shops  map[string]shop
}

type train struct {
	to   string
	cars int32
}

type shop struct{ sells string }

var stationTable = objectOf[station]{rows: []rowOf[station]{
	{name: "trains", byDefault: "none", doc: "What leaves.", value: listOfObjects[station, train]{
		what: "trains", most: 2, add: func(s *station, t train) { s.trains = append(s.trains, t) },
		item: objectOf[train]{example: "{to: Ulm, cars: 7}", rows: []rowOf[train]{
			{name: "to", required: true, doc: "Where to.", value: textOf[train]{what: "a town", example: "Ulm", pattern: `^[A-Z][a-z]+$`, most: 20,
				set: func(t *train, v string) error { t.to = v; return nil }}},
			{name: "cars", byDefault: "1", doc: "How long.", value: integerOf[train]{min: 1, max: 9, example: 7, set: func(t *train, v int32) { t.cars = v }}},
		}}}},
	{name: "shops", byDefault: "none", doc: "What is open.", value: objectsByName[station, shop]{
		what: "a shop's name", pattern: `^[a-z]+$`, example: "kiosk", most: 2,
		add: func(s *station, name string, v shop) {
			if s.shops == nil {
				s.shops = map[string]shop{}
			}
			s.shops[name] = v
		},
		item: objectOf[shop]{example: "{sells: tea}", rows: []rowOf[shop]{
			{name: "sells", byDefault: "nothing", doc: "What it has.", value: textOf[shop]{what: "a good", example: "tea", pattern: `^[a-z]+$`, most: 20,
				set: func(s *shop, v string) error { s.sells = v; return nil }}},
		}}}},
}}

func TestMappingsInListsAndMappings(t *testing.T) {
	for _, test := range []struct {
		data string
		want station
		said string
	}{
		{"trains: [{to: Ulm, cars: 7}, {to: Bonn}]\nshops: {kiosk: {sells: tea}}", station{
			trains: []train{{"Ulm", 7}, {"Bonn", 0}}, shops: map[string]shop{"kiosk": {"tea"}}}, ""},
		{"trains:\n- to: Ulm\n  casr: 2", station{}, "x:3:3: trains[0]: unknown key \"casr\", did you mean \"cars\"? Valid keys here: cars, to"},
		{"trains: [{cars: 7}]", station{}, "x:1:10: trains[0].to: missing; expected a town, such as Ulm"},
		{"trains: [{to: Ulm}, {to: ulm}]", station{}, "x:1:26: trains[1].to: expected a town, such as Ulm, but found the text \"ulm\""},
		{"trains: [Ulm]", station{}, "x:1:10: trains[0]: expected a mapping, such as {to: Ulm, cars: 7}, but found the text \"Ulm\""},
		{"trains: {to: Ulm}", station{}, "x:1:9: trains: expected a list of trains, such as [{to: Ulm, cars: 7}], but found a mapping"},
		{"trains: [{to: A}, {to: B}, {to: C}]", station{}, "x:1:9: trains: 3 entries; at most 2 are allowed"},
		{"shops: {kiosk: {sell: tea}}", station{}, "x:1:17: shops.kiosk: unknown key \"sell\", did you mean \"sells\"? Valid keys here: sells"},
		{"shops: {Kiosk: {sells: tea}}", station{}, "x:1:9: shops: \"Kiosk\" is not a shop's name"},
		{"shops: [kiosk]", station{}, "x:1:8: shops: expected a mapping, such as {kiosk: {sells: tea}}, but found a list"},
		{"shops: {kiosk: {cars: 2}}", station{}, "x:1:17: shops.kiosk: unknown key \"cars\"; it belongs below trains[], not below shops.kiosk. Valid keys here: sells"},
	} {
		root, problem := document([]byte(test.data))
		if problem != nil {
			t.Fatal(problem)
		}
		var got station
		said := top(root, stationTable, &got).problems.in("x").Error()
		if said != test.said {
			t.Errorf("%s\nsaid %s\nwant %s", test.data, said, test.said)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(station{}, train{}, shop{})); said == "" && diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.data, diff)
		}
	}
}

func TestNestedMappingsAreDescribed(t *testing.T) {
	want := `| key | value | default | meaning |
|---|---|---|---|
| ` + "`trains`" + ` | a list of trains, such as [{to: Ulm, cars: 7}] | none | What leaves. |
| ` + "`trains[].to`" + ` | a town, such as Ulm | required | Where to. |
| ` + "`trains[].cars`" + ` | an integer from 1 to 9, such as 7 | 1 | How long. |
| ` + "`shops`" + ` | a mapping, such as {kiosk: {sells: tea}} | none | What is open. |
| ` + "`shops.<name>.sells`" + ` | a good, such as tea | nothing | What it has. |
`
	if diff := cmp.Diff(want, reference(stationTable.keys())); diff != "" {
		t.Errorf("reference (-want +got)\n%s", diff)
	}
	schema, err := json.Marshal(stationTable.schema())
	if err != nil {
		t.Fatal(err)
	}
	wantSchema := `{"additionalProperties":false,"properties":{` +
		`"shops":{"additionalProperties":{"additionalProperties":false,"properties":{"sells":{"description":"What it has. Default: nothing.","maxLength":20,"pattern":"^[a-z]+$","type":"string"}},"type":"object"},"description":"What is open. Default: none.","maxProperties":2,"propertyNames":{"pattern":"^[a-z]+$"},"type":"object"},` +
		`"trains":{"description":"What leaves. Default: none.","items":{"additionalProperties":false,"properties":{"cars":{"description":"How long. Default: 1.","maximum":9,"minimum":1,"type":"integer"},"to":{"description":"Where to.","maxLength":20,"pattern":"^[A-Z][a-z]+$","type":"string"}},"required":["to"],"type":"object"},"maxItems":2,"type":"array"}},"type":"object"}`
	if diff := cmp.Diff(wantSchema, string(schema)); diff != "" {
		t.Errorf("schema (-want +got)\n%s", diff)
	}
}
