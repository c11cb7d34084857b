package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func structured(body string) ([]Event, error) {
	return ReadHTTP(http.Header{"Content-Type": {"application/cloudevents+json"}}, []byte(body))
}

// members is a structured event with the required attributes and some more.
func members(more string) string {
	return `{"specversion":"1.0","id":"1","source":"/s","type":"t"` + more + `}`
}

func TestReadStructured(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want Event
	}{
		"minimal":                    {members(""), Event{}},
		"blanks everywhere":          {" \n{ \"specversion\" : \"1.0\" , \"id\":\t\"1\" , \"source\": \"/s\",\"type\" :\"t\" , \"data\" :  [ 1 ]  } \r\n", Event{DataContentType: "application/json", Data: []byte("[ 1 ]")}},
		"data is kept byte for byte": {members(`,"data": {"b" :1.0, "a":"é\u00e9\/ }{", "b":[[],{}]} `), Event{DataContentType: "application/json", Data: []byte(`{"b" :1.0, "a":"é\u00e9\/ }{", "b":[[],{}]}`)}},
		"data before its type":       {`{"data":"<a/>","datacontenttype":"text/xml","type":"t","source":"/s","id":"1","specversion":"1.0"}`, Event{DataContentType: "text/xml", Data: []byte("<a/>")}},
		"a string as JSON":           {members(`,"datacontenttype":"application/json","data":"a\"b"`), Event{DataContentType: "application/json", Data: []byte(`"a\"b"`)}},
		"a string of JSON's kin":     {members(`,"datacontenttype":"application/geo+json; charset=utf-8","data":"a"`), Event{DataContentType: "application/geo+json; charset=utf-8", Data: []byte(`"a"`)}},
		"a string as text":           {members(`,"datacontenttype":"text/plain","data":"a\"\\\/\b\f\n\r\té\ud83d\ude00"`), Event{DataContentType: "text/plain", Data: []byte("a\"\\/\b\f\n\r\té😀")}},
		"an empty text":              {members(`,"datacontenttype":"text/plain","data":""`), Event{DataContentType: "text/plain"}},
		"null is JSON":               {members(`,"data":null`), Event{DataContentType: "application/json", Data: []byte("null")}},
		"null is no text":            {members(`,"datacontenttype":"text/plain","data":null`), Event{DataContentType: "text/plain"}},
		"base64":                     {members(`,"datacontenttype":"image/png","data_base64":"iVBO\u0052w=="`), Event{DataContentType: "image/png", Data: []byte("\x89PNG")}},
		"base64 of no type":          {members(`,"data_base64":"AP8="`), Event{Data: []byte("\x00\xff")}},
		"empty base64":               {members(`,"data_base64":""`), Event{}},
		"base64 that is null":        {members(`,"data":1,"data_base64":null`), Event{DataContentType: "application/json", Data: []byte("1")}},
		"null is absent":             {members(`,"subject":null,"time":null,"dataschema":null,"datacontenttype":null,"ext":null`), Event{}},
		"extensions of all kinds": {members(`,"z":"","yes":true,"no":false,"int":10,"neg":-2147483648,"max":2147483647,"zero":-0`),
			Event{Extensions: []Attribute{{"int", "10"}, {"max", "2147483647"}, {"neg", "-2147483648"}, {"no", "false"}, {"yes", "true"}, {"z", ""}, {"zero", "0"}}}},
		"names and values with escapes": {members(`,"\u0073ubject":"a\u20acb","x\u0079":"1"`), Event{Subject: "a€b", Extensions: []Attribute{{"xy", "1"}}}},
		"percent signs stay":            {members(`,"subject":"100%20"`), Event{Subject: "100%20"}},
		"brackets in values":            {members(`,"subject":"}],\"","a":"{["`), Event{Subject: `}],"`, Extensions: []Attribute{{"a", "{["}}}},
	} {
		want := tt.want
		want.ID, want.Source, want.Type = "1", "/s", "t"
		events, err := structured(tt.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]Event{want}, events); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestStructuredProblems(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"empty":                     {" ", "the body is empty"},
		"no JSON":                   {"{", "the body is no JSON: unexpected end of JSON input, at byte 1"},
		"bytes after it":            {members("") + "x", "the body is no JSON: invalid character 'x' after top-level value, at byte 56"},
		"two events":                {members("") + members(""), "the body is no JSON: invalid character '{' after top-level value, at byte 56"},
		"invalid UTF-8":             {members(",\"a\":\"\xff\""), "the body is not valid UTF-8"},
		"a byte order mark":         {"\xef\xbb\xbf" + members(""), "the body is no JSON: invalid character 'ï' looking for beginning of value, at byte 1"},
		"an array":                  {"[" + members("") + "]", "an event must be a JSON object"},
		"a string":                  {`"specversion"`, "an event must be a JSON object"},
		"no version":                {`{"id":"1","source":"/s","type":"t"}`, "attribute specversion is missing"},
		"a version that is null":    {`{"specversion":null,"id":"1","source":"/s","type":"t"}`, "attribute specversion is missing"},
		"a number as version":       {`{"specversion":1.0,"id":"1","source":"/s","type":"t"}`, "attribute specversion must be a string"},
		"another version":           {`{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, `attribute specversion is "0.3"; only 1.0 can be read`},
		"an id that is null":        {`{"specversion":"1.0","id":null,"source":"/s","type":"t"}`, "attribute id is missing"},
		"an id that is a number":    {`{"specversion":"1.0","id":25,"source":"/s","type":"t"}`, "attribute id must be a string"},
		"a subject that is true":    {members(`,"subject":true`), "attribute subject must be a string"},
		"an empty subject":          {members(`,"subject":""`), "attribute subject is empty"},
		"a name twice":              {members(`,"id":"1"`), "attribute id is there twice"},
		"a name with escapes twice": {members(`,"i\u0064":"2"`), "attribute id is there twice"},
		"an extension twice":        {members(`,"a":null,"a":1`), "attribute a is there twice"},
		"data twice":                {members(`,"data":1,"data":2`), "data is there twice"},
		"data in two forms":         {members(`,"data":null,"data_base64":""`), "data and data_base64 are both there; an event has one of them"},
		"capitals":                  {members(`,"myExt":"a"`), `attribute myExt has a name with "E" in it; names are of lower-case letters and digits`},
		"an underscore":             {members(`,"data_base32":"a"`), `attribute data_base32 has a name with "_" in it; names are of lower-case letters and digits`},
		"no name":                   {members(`,"":"a"`), "an attribute has no name"},
		"too large an integer":      {members(`,"amount":2147483648`), "attribute amount is 2147483648, and integers have 32 bits; write it as a string"},
		"an endless integer":        {members(`,"amount":-` + strings.Repeat("9", 40)), "attribute amount is -" + strings.Repeat("9", 29) + "..., and integers have 32 bits; write it as a string"},
		"a fraction":                {members(`,"amount":1.5`), "attribute amount is 1.5, and numbers must be integers; write it as a string"},
		"an exponent":               {members(`,"amount":1e3`), "attribute amount is 1e3, and numbers must be integers; write it as a string"},
		"an object":                 {members(`,"ext":{"a":1}`), "attribute ext must be a string, an integer or a boolean"},
		"an array as extension":     {members(`,"ext":[]`), "attribute ext must be a string, an integer or a boolean"},
		"half a surrogate pair":     {members(`,"ext":"a\ud83d b"`), "attribute ext is not valid Unicode: it has half of a surrogate pair"},
		"two first halves":          {members(`,"ext":"\ud83d\ud83d"`), "attribute ext is not valid Unicode: it has half of a surrogate pair"},
		"a second half":             {members(`,"ext":"\ude00"`), "attribute ext is not valid Unicode: it has half of a surrogate pair"},
		"half a pair in a name":     {members(`,"a\ud83d":1`), "the name of an attribute is not valid Unicode"},
		"half a pair in data":       {members(`,"datacontenttype":"text/plain","data":"\ud83d"`), "data is not valid Unicode: it has half of a surrogate pair"},
		"a line break":              {members(`,"subject":"a\r\nb"`), "attribute subject has the control character U+000D in it"},
		"NUL":                       {members(`,"ext":"\u0000"`), "attribute ext has the control character U+0000 in it"},
		"data that is no text":      {members(`,"datacontenttype":"text/plain","data":{"a":1}`), "data must be a string, as datacontenttype is text/plain"},
		"no base64":                 {members(`,"data_base64":"a-_b"`), "data_base64 is no base64 of RFC 4648, with + and / and padding"},
		"base64 with half a pair":   {members(`,"data_base64":"\ud83d"`), "data_base64 is no base64 of RFC 4648, with + and / and padding"},
		"base64 that is a number":   {members(`,"data_base64":1`), "data_base64 must be a string"},
		"an event in an event":      {members(`,"datacontenttype":"application/cloudevents+json","data":{}`), "attribute datacontenttype is application/cloudevents+json: an event cannot be the data of another"},
		"a source":                  {`{"specversion":"1.0","id":"1","source":"http://a:b","type":"t"}`, `attribute source is no URI: invalid port ":b" after host`},
		"too many members":          {members(manyMembers(200)), "the event has more than 100 attributes"},
	} {
		events, err := structured(tt.body)
		if _, ok := errors.AsType[*Problem](err); !ok || err.Error() != tt.want {
			t.Errorf("%s: error %v\nwant %s\nread %+v", name, err, tt.want, events)
		}
	}
}

// TestProblemsAreShort: what is wrong may be as long as the body.
func TestProblemsAreShort(t *testing.T) {
	long := strings.Repeat("é", 1<<18)
	for _, body := range []string{
		`{"specversion":"` + long + `"}`, members(`,"` + long + `":{}`), members(`,"` + long + `":1,"` + long + `":1`), members(`,"` + long + `":"a"`),
		members(`,"datacontenttype":"application/cloudevents+` + strings.Repeat("a", 10000) + `"`), members(`,"a":1.` + strings.Repeat("1", 1<<18)),
		members(`,"dataschema":"http://a:` + strings.Repeat("b", 10000) + `"`),
	} {
		_, err := structured(body)
		if err == nil || len(err.Error()) > 400 || !utf8.ValidString(err.Error()) {
			t.Errorf("%.60s: %.500v", body, err)
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d":1`, i)
	}
	return b.String()
}

func TestReadBatch(t *testing.T) {
	batch := func(body string) ([]Event, error) {
		return ReadHTTP(http.Header{"Content-Type": {"Application/CloudEvents-Batch+JSON; charset=UTF-8"}}, []byte(body))
	}
	one := Event{ID: "1", Source: "/s", Type: "t"}
	withData := one
	withData.DataContentType, withData.Data = "application/json", []byte("[2]")
	for body, want := range map[string][]Event{
		"[]":       nil,
		" [ \n ] ": nil,
		"[" + members("") + " , " + members(`,"data":[2]`) + "]": {one, withData},
		"[" + members("") + "," + members("") + "]":              {one, one},
	} {
		events, err := batch(body)
		if diff := cmp.Diff(want, events); diff != "" || err != nil {
			t.Errorf("%s: %v %s", body, err, diff)
		}
	}
	full := strings.Repeat(members("")+",", MaxBatch-1) + members("")
	if events, err := batch("[" + full + "]"); len(events) != MaxBatch || err != nil {
		t.Errorf("%d events: %d, %v", MaxBatch, len(events), err)
	}
	for body, want := range map[string]string{
		members(""):                    "the body must be a JSON array of events",
		"[" + members("") + ",1]":      "event 1: an event must be a JSON object",
		"[" + members("") + ",[]]":     "event 1: an event must be a JSON object",
		"[" + members("") + ",]":       "the body is no JSON: invalid character ']' looking for beginning of value, at byte 58",
		"[" + members(`,"id":2`):       "the body is no JSON: unexpected end of JSON input, at byte 63",
		"[" + members(`,"a":{}`) + "]": "event 0: attribute a must be a string, an integer or a boolean",
		"[" + members("") + "," + members("") + `,{"specversion":"1.0"}]`: "event 2: attribute id is missing",
		"[" + members("") + `,{"specversion":"0.9"}]`:                     `event 1: attribute specversion is "0.9"; only 1.0 can be read`,
		"[" + full + "," + members("") + "]":                              "the batch has more than 1000 events",
	} {
		events, err := batch(body)
		if _, ok := errors.AsType[*Problem](err); !ok || err.Error() != want || events != nil {
			t.Errorf("%.200s: error %v\nwant %s\nread %+v", body, err, want, events)
		}
	}
}

// TestProblemAsJSON: the body of a 400 is the Problem.
func TestProblemAsJSON(t *testing.T) {
	_, err := ReadHTTP(http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, []byte(`[{"specversion":"1.0"}]`))
	text, _ := json.Marshal(err)
	if want := `{"event":0,"attribute":"id","reason":"is missing"}`; string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
}

func TestUnsupported(t *testing.T) {
	for contentType, supported := range map[string]bool{
		"application/cloudevents+json":                     true,
		"application/cloudevents+json; charset=utf-8":      true,
		`application/cloudevents+json;charset="UTF-8";a=b`: true,
		"application/cloudevents+json; charset=us-ascii":   true,
		"APPLICATION/CLOUDEVENTS+JSON":                     true,
		"application/cloudevents+json; charset=utf-16":     false,
		"application/cloudevents+json; charset=":           false,
		"application/cloudevents+avro":                     false,
		"application/cloudevents+protobuf":                 false,
		"application/cloudevents+xml; charset=utf-8":       false,
		"application/cloudevents":                          false,
		"application/cloudevents-batch":                    false,
		"application/cloudevents-batch+protobuf":           false,
	} {
		_, err := ReadHTTP(http.Header{"Content-Type": {contentType}}, []byte(members("")))
		unsupported, ok := errors.AsType[*Unsupported](err)
		if ok == supported || ok && unsupported.ContentType != contentType {
			t.Errorf("%s: error %v", contentType, err)
		}
	}
}

func TestReadReply(t *testing.T) {
	event := &Event{ID: "1", Source: "/s", Type: "t"}
	for name, tt := range map[string]struct {
		headers, body, problem string
		want                   *Event
	}{
		"no event":                       {"content-type: application/json\nce-id: 1\n", "{}", "", nil},
		"nothing":                        {"", "", "", nil},
		"binary":                         {minimal, "", "", event},
		"structured":                     {"content-type: application/cloudevents+json\n", members(""), "", event},
		"a batch":                        {"content-type: application/cloudevents-batch+json\n", "[]", "an answer can be one event, not a batch", nil},
		"a binary one that is wrong":     {"ce-specversion: 1.0\n", "", "attribute id is missing", nil},
		"a structured one that is wrong": {"content-type: application/cloudevents+json\n", "{}", "attribute specversion is missing", nil},
		"another form":                   {"content-type: application/cloudevents+avro\n", "", "events of the Content-Type application/cloudevents+avro cannot be read: send application/cloudevents+json or application/cloudevents-batch+json in UTF-8, or the attributes as headers (binary mode)", nil},
	} {
		header, body := request(t, tt.headers, tt.body)
		got, err := ReadReply(header, body)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if problem := fmt.Sprint(err); problem != tt.problem && (tt.problem != "" || err != nil) {
			t.Errorf("%s: error %s", name, problem)
		}
	}
}
