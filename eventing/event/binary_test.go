package event

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// minimal are the headers of an event with nothing that could be left out.
const minimal = "ce-specversion: 1.0\nce-id: 1\nce-source: /s\nce-type: t\n"

// request reads headers as a server does; each line is one.
func request(t testing.TB, headers, body string) (http.Header, []byte) {
	t.Helper()
	text := "POST / HTTP/1.1\r\nHost: x\r\n" + strings.ReplaceAll(headers, "\n", "\r\n") + "\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("%q: %v", headers, err)
	}
	return r.Header, []byte(body)
}

func TestReadBinary(t *testing.T) {
	for name, tt := range map[string]struct {
		headers, body string
		want          Event
	}{
		"minimal":                      {minimal, "", Event{}},
		"data of no type":              {minimal, "\x00\xff", Event{Data: []byte("\x00\xff")}},
		"JSON that is none":            {minimal + "content-type: application/json\n", "{", Event{DataContentType: "application/json", Data: []byte("{")}},
		"parameters of the type":       {minimal + "Content-Type: text/plain; charset=\"utf-16\"\n", "", Event{DataContentType: `text/plain; charset="utf-16"`}},
		"capitals in names of headers": {minimal + "CE-SUBJECT: a\nCe-TraceParent: B\n", "", Event{Subject: "a", Extensions: []Attribute{{"traceparent", "B"}}}},
		"an extension without a value": {minimal + "ce-a:\n", "", Event{Extensions: []Attribute{{"a", ""}}}},
		"other headers":                {minimal + "cecil: x\nce: y\nx-ce-a: z\n", "", Event{}},
		"extensions in order":          {minimal + "ce-b: 1\nce-c: 2\nce-a: 3\n", "", Event{Extensions: []Attribute{{"a", "3"}, {"b", "1"}, {"c", "2"}}}},
		"a long name":                  {minimal + "ce-headwaydeadsubscription: s\n", "", Event{Extensions: []Attribute{{"headwaydeadsubscription", "s"}}}},
		"everything": {minimal + "ce-subject: a/b\nce-time: 2026-05-04T12:00:00.5+02:00\nce-dataschema: https://x/y\n", "",
			Event{Subject: "a/b", Time: "2026-05-04T12:00:00.5+02:00", DataSchema: "https://x/y"}},
		"a time in small letters": {minimal + "ce-time: 2026-05-04t12:00:00z\n", "", Event{Time: "2026-05-04t12:00:00z"}},

		"percent signs":               {minimal + "ce-subject: Euro%20%E2%82%AC%20%F0%9F%98%80\n", "", Event{Subject: "Euro € 😀"}},
		"small hexadecimal digits":    {minimal + "ce-subject: %e2%82%ac\n", "", Event{Subject: "€"}},
		"coding that is not needed":   {minimal + "ce-subject: %61%2Fb\n", "", Event{Subject: "a/b"}},
		"one round of decoding":       {minimal + "ce-subject: 100%2525\n", "", Event{Subject: "100%25"}},
		"quotes":                      {minimal + `ce-subject: "a \"b\" \\ c"` + "\n", "", Event{Subject: `a "b" \ c`}},
		"quotes, then percent signs":  {minimal + `ce-subject: "%22\%20a%22"` + "\n", "", Event{Subject: `" a"`}},
		"empty quotes":                {minimal + `ce-a: ""` + "\n", "", Event{Extensions: []Attribute{{"a", ""}}}},
		"a quote in the middle":       {minimal + `ce-subject: 5" disk "A"` + "\n", "", Event{Subject: `5" disk "A"`}},
		"blanks without coding":       {minimal + "ce-subject: a b\n", "", Event{Subject: "a b"}},
		"UTF-8 without coding":        {minimal + "ce-subject: Euro €\n", "", Event{Subject: "Euro €"}},
		"a URI keeps its own coding":  {minimal + "ce-dataschema: https://x/a%2520b\n", "", Event{DataSchema: "https://x/a%20b"}},
		"the largest values together": {minimal + "ce-a: " + strings.Repeat("x", MaxValues-len("1.01/st")) + "\n", "", Event{Extensions: []Attribute{{"a", strings.Repeat("x", MaxValues-len("1.01/st"))}}}},
	} {
		want := tt.want
		want.ID, want.Source, want.Type = "1", "/s", "t"
		header, body := request(t, tt.headers, tt.body)
		events, err := ReadHTTP(header, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]Event{want}, events); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		written := http.Header{}
		again, err := ReadHTTP(written, events[0].WriteHTTP(written))
		if diff := cmp.Diff(events, again); diff != "" || err != nil {
			t.Errorf("%s: written and read again: %v %s", name, err, diff)
		}
	}
}

func TestBinaryProblems(t *testing.T) {
	for name, tt := range map[string]struct{ headers, want string }{
		"no event":           {"content-type: application/json\n", "attribute specversion is missing: send it with id, source and type as the headers ce-specversion, ce-id, ce-source and ce-type, or send the Content-Type application/cloudevents+json"},
		"no id":              {"ce-specversion: 1.0\nce-source: /s\nce-type: t\n", "attribute id is missing"},
		"no source":          {"ce-specversion: 1.0\nce-id: 1\nce-type: t\n", "attribute source is missing"},
		"no type":            {"ce-specversion: 1.0\nce-id: 1\nce-source: /s\n", "attribute type is missing"},
		"an empty id":        {minimal + "ce-subject:\n", "attribute subject is empty"},
		"another version":    {strings.Replace(minimal, "1.0", "1.1", 1), `attribute specversion is "1.1"; only 1.0 can be read`},
		"twice":              {minimal + "ce-id: 1\n", "attribute id is there 2 times"},
		"an extension twice": {minimal + "ce-a: 1\nCE-A: 1\n", "attribute a is there 2 times"},
		"two types of data":  {minimal + "content-type: text/plain\ncontent-type: text/html\n", "attribute datacontenttype is there 2 times, as the header Content-Type"},
		"ce-datacontenttype": {minimal + "ce-datacontenttype: text/plain\n", "attribute datacontenttype must be the header Content-Type in binary mode, not ce-datacontenttype"},
		"ce-data":            {minimal + "ce-data: x\n", "data is no attribute: data is the body, or a member of a structured event"},
		"no name":            {minimal + "ce-: x\n", "an attribute has no name"},
		"a hyphen":           {minimal + "ce-my-ext: x\n", `attribute my-ext has a name with "-" in it; names are of lower-case letters and digits`},
		"a name that is too long": {minimal + "ce-" + strings.Repeat("a", 65) + ": x\n",
			"attribute " + strings.Repeat("a", 64) + "... has a name that is longer than 64 letters"},
		"invalid UTF-8":       {minimal + "ce-subject: a%FFb\n", "attribute subject is not valid UTF-8"},
		"overlong UTF-8":      {minimal + "ce-a: %C0%A0\n", "attribute a is not valid UTF-8"},
		"surrogates":          {minimal + "ce-a: %ED%A0%80\n", "attribute a is not valid UTF-8"},
		"Latin 1":             {minimal + "ce-subject: \xe9\n", "attribute subject is not valid UTF-8"},
		"a percent sign":      {minimal + "ce-subject: 100% off\n", `attribute subject has the percent sign in "% o", which must be written as %25`},
		"a percent sign last": {minimal + "ce-subject: 100%\n", `attribute subject has the percent sign in "%", which must be written as %25`},
		"an open quote":       {minimal + `ce-subject: "a` + "\n", "attribute subject begins with a quote that is not closed"},
		"an escaped end":      {minimal + `ce-subject: "a\"` + "\n", "attribute subject begins with a quote that is not closed"},
		"text after quotes":   {minimal + `ce-subject: "a" b` + "\n", "attribute subject has text after the quotes that it begins with"},
		"a line break":        {minimal + "ce-subject: a%0D%0Ab\n", "attribute subject has the control character U+000D in it"},
		"a tab":               {minimal + "ce-a: a\tb\n", "attribute a has the control character U+0009 in it"},
		"a C1 control":        {minimal + "ce-type2: %C2%85\n", "attribute type2 has the control character U+0085 in it"},
		"no character":        {minimal + "ce-a: %EF%BF%BF\n", "attribute a has U+FFFF in it, which Unicode defines to be no character"},
		"a time":              {minimal + "ce-time: 2026-05-04 12:00:00Z\n", "attribute time is no time of RFC 3339, such as 2026-05-04T12:00:00Z"},
		"a comma in a time":   {minimal + "ce-time: 2026-05-04T12:00:00,5Z\n", "attribute time is no time of RFC 3339, such as 2026-05-04T12:00:00Z"},
		"a day that is none":  {minimal + "ce-time: 2026-02-30T12:00:00Z\n", "attribute time is no time of RFC 3339, such as 2026-05-04T12:00:00Z"},
		"a source":            {strings.Replace(minimal, "/s", "/a%20b", 1), `attribute source is no URI: " " must be percent-encoded in it`},
		"a source's coding":   {strings.Replace(minimal, "/s", "/a%25zz", 1), `attribute source is no URI: invalid URL escape "%zz"`},
		"a schema":            {minimal + "ce-dataschema: /x\n", "attribute dataschema is no absolute URI: it has no scheme, such as https"},
		"a media type":        {minimal + "content-type: json\n", "attribute datacontenttype is no media type, such as application/json"},
		"a media type of é":   {minimal + "content-type: text/plain; a=\"é\"\n", "attribute datacontenttype is no media type: it has a character outside of ASCII"},
		"too long values":     {minimal + "ce-a: " + strings.Repeat("x", MaxValues) + "\n", "the values of the attributes are 32775 bytes together; at most 32768 can be delivered"},
	} {
		header, body := request(t, tt.headers, "data")
		events, err := ReadHTTP(header, body)
		if _, ok := errors.AsType[*Problem](err); !ok || err.Error() != tt.want {
			t.Errorf("%s: error %v\nwant %s\nread %+v", name, err, tt.want, events)
		}
	}
}

func TestAttributesAreBounded(t *testing.T) {
	headers := minimal
	for i := range MaxAttributes - 4 {
		headers += "ce-x" + strings.Repeat("0", i%50) + string(rune('a'+i/50)) + ": 1\n"
	}
	header, _ := request(t, headers, "")
	if _, err := ReadHTTP(header, nil); err != nil {
		t.Errorf("%d attributes: %v", MaxAttributes, err)
	}
	header.Set("ce-one", "more")
	if _, err := ReadHTTP(header, nil); err == nil || !strings.Contains(err.Error(), "the event has 101 attributes; at most 100 can be delivered") {
		t.Errorf("101 attributes: %v", err)
	}
}

// TestHeaderMapOfNoServer: whoever makes headers by hand may write one in two ways.
func TestHeaderMapOfNoServer(t *testing.T) {
	header := http.Header{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"s"}, "CE-TYPE": {"t"}, "ce-a": {"1"}}
	events, err := ReadHTTP(header, nil)
	if diff := cmp.Diff([]Event{{ID: "1", Source: "s", Type: "t", Extensions: []Attribute{{"a", "1"}}}}, events); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for key, want := range map[string]string{"Ce-Id": "attribute id is there twice", "Ce-A": "attribute a is there twice"} {
		twice := header.Clone()
		twice[key] = []string{"1"}
		if _, err := ReadHTTP(twice, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
}

func TestWriteHTTP(t *testing.T) {
	header := http.Header{"Headway-Attempt": {"1"}}
	body := full().WriteHTTP(header)
	want := http.Header{
		"Headway-Attempt": {"1"},
		"Ce-Specversion":  {"1.0"}, "Ce-Id": {"1234-%C3%A9"}, "Ce-Source": {"/orders"}, "Ce-Type": {"order.created"},
		"Ce-Subject":    {"Euro%20%E2%82%AC%20100%25%20%22x%22"},
		"Ce-Dataschema": {"https://example.org/order#1"}, "Ce-Time": {"2026-05-04T12:00:00.120+02:00"},
		"Ce-Empty": {""}, "Ce-Partitionkey": {"customer%207"}, "Ce-Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		"Content-Type": {"application/json; charset=utf-8"},
	}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(body, full().Data) {
		t.Errorf("body %q", body)
	}
	header.Add("Ce-Id", "changed")
	if got := header["Ce-Source"][0]; got != "/orders" {
		t.Errorf("a header that is added to changes its neighbour to %q", got)
	}
}
