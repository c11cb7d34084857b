package event

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// The cases of the repository cloudevents/conformance: features/
// http-protocol-binding.feature, and format/json of 2023. It has none for
// percent signs, batches over HTTP and wrong headers, which are in the tests of
// binary and structured mode.

const (
	someHeaders = "ce-specversion: 1.0\nce-type: com.example.someevent\nce-time: 2018-04-05T03:56:24Z\nce-id: 1234-1234-1234\nce-source: /mycontext/subcontext\n"
	someData    = "{\n    \"message\": \"Hello World!\"\n}\n"
)

// sample is a structured event with the id and the members of a sample of the
// conformance tests.
func sample(id, more string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"type":"io.cloudevents.test","source":"https://cloudevents.io"%s}`, id, more)
}

func sampleEvent(id string) Event {
	return Event{ID: id, Type: "io.cloudevents.test", Source: "https://cloudevents.io"}
}

type conformanceCase struct {
	name, headers, body string
	want                []Event
}

func validCases() []conformanceCase {
	const jsonMode, batchMode = "content-type: application/cloudevents+json\n", "content-type: application/cloudevents-batch+json\n"
	some := func(contentType, data string) []Event {
		return []Event{{ID: "1234-1234-1234", Source: "/mycontext/subcontext", Type: "com.example.someevent",
			Time: "2018-04-05T03:56:24Z", DataContentType: contentType, Data: []byte(data)}}
	}
	someStructured := `{"specversion":"1.0","type":"com.example.someevent","time":"2018-04-05T03:56:24Z","id":"1234-1234-1234","source":"/mycontext/subcontext","datacontenttype":"application/json","data":{"message": "Hello World!"}}`
	minimal := sampleEvent("minimal")
	allCore := sampleEvent("allCore")
	allCore.DataContentType, allCore.DataSchema, allCore.Subject, allCore.Time = "text/plain", "https://cloudevents.io/dataschema", "tests", "2018-04-05T17:31:00Z"
	allCoreText := sample("allCore", `,"datacontenttype":"text/plain","dataschema":"https://cloudevents.io/dataschema","subject":"tests","time":"2018-04-05T17:31:00Z"`)
	relative := sampleEvent("minimalWithRelativeSource")
	relative.Source = "#fragment"
	text := sampleEvent("simpleTextData")
	text.DataContentType, text.Data = "text/plain", []byte("Simple text")
	extensions := sampleEvent("allExtensionTypes")
	extensions.Extensions = []Attribute{{"extbinary", "TWE="}, {"extboolean", "true"}, {"extinteger", "10"}, {"extstring", "text"},
		{"exttimestamp", "2023-03-31T15:12:00Z"}, {"exturi", "https://cloudevents.io"}, {"exturiref", "//authority/path"}}
	extensionsText := sample("allExtensionTypes", `,"extinteger":10,"extboolean":true,"extstring":"text","exturi":"https://cloudevents.io","exturiref":"//authority/path","exttimestamp":"2023-03-31T15:12:00Z","extbinary":"TWE="`)
	cases := []conformanceCase{
		{"Binary content mode (application/json)", someHeaders + "content-type: application/json\n", someData, some("application/json", someData)},
		{"Binary content mode (application/json; charset=utf-8)", someHeaders + "content-type: application/json; charset=utf-8\n", someData, some("application/json; charset=utf-8", someData)},
		{"Structured content mode (application/cloudevents+json)", jsonMode, someStructured, some("application/json", `{"message": "Hello World!"}`)},
		{"Structured content mode (application/cloudevents+json; charset=utf-8)", "content-type: application/cloudevents+json; charset=utf-8\n", someStructured, some("application/json", `{"message": "Hello World!"}`)},
		{"validMinimal", jsonMode, sample("minimal", ""), []Event{minimal}},
		{"validMinimalWithNullForOptional", jsonMode, sample("minimal", `,"datacontenttype":null,"dataschema":null,"subject":null,"time":null`), []Event{minimal}},
		{"validAllCoreAttributes", jsonMode, allCoreText, []Event{allCore}},
		{"validRelativeSource", jsonMode, `{"specversion":"1.0","id":"minimalWithRelativeSource","type":"io.cloudevents.test","source":"#fragment"}`, []Event{relative}},
		{"validSimpleTextData", jsonMode, sample("simpleTextData", `,"datacontenttype":"text/plain","data":"Simple text"`), []Event{text}},
		{"validAllExtensionTypes", jsonMode, extensionsText, []Event{extensions}},
		{"validBatchEmpty", batchMode, "[]", nil},
		{"validBatchMinimal", batchMode, "[" + sample("minimal", "") + "]", []Event{minimal}},
		{"validBatchMinimal2", batchMode, "[" + sample("minimal", "") + "," + sample("minimal", "") + "]", []Event{minimal, minimal}},
		{"validBatchMinimalAndAllCore", batchMode, "[" + sample("minimal", "") + "," + allCoreText + "]", []Event{minimal, allCore}},
		{"validBatchMinimalAndAllExtensionTypes", batchMode, "[" + sample("minimal", "") + "," + extensionsText + "]", []Event{minimal, extensions}},
	}
	for name, at := range map[string]string{
		"validMinimalWithTimeUtc": "2018-04-05T17:31:00Z", "validMinimalWithTimeToNanosecondsUtc": "2018-04-05T17:31:00.000000000Z",
		"validMinimalWithTimeUsingPositiveOffset": "2018-04-05T18:31:00+01:00", "validMinimalWithTimeUsingNegativeOffset": "2018-04-05T16:31:00-01:00",
	} {
		want := sampleEvent("minimalWithTime")
		want.Time = at
		cases = append(cases, conformanceCase{name, jsonMode, sample("minimalWithTime", `,"time":"`+at+`"`), []Event{want}})
	}
	return cases
}

func TestConformance(t *testing.T) {
	for _, tt := range validCases() {
		header, body := request(t, tt.headers, tt.body)
		events, err := ReadHTTP(header, body)
		if diff := cmp.Diff(tt.want, events); diff != "" || err != nil {
			t.Errorf("%s: %v %s", tt.name, err, diff)
		}
	}
}

// TestAsTheSDKReads: where the SDK reads an event, it reads the same one, save
// for what asTheSDK says. It reads no batches, and of JSON types of data only
// application/json and text/json.
func TestAsTheSDKReads(t *testing.T) {
	cases := validCases()
	for _, more := range []string{
		`,"data":"a string"`, `,"data":null`, `,"subject":"é\u00e9"`,
		`,"datacontenttype":"image/png","data_base64":"iVBORw=="`, `,"a":2147483647,"b":-1,"c":false`, `,"data":{"a":1.50, "b":"\u00e9"}`,
	} {
		cases = append(cases, conformanceCase{name: more, headers: "content-type: application/cloudevents+json\n", body: members(more)})
	}
	for _, more := range []string{"", "ce-subject: a b\nce-myext: 5\n", "content-type: text/plain\n"} {
		cases = append(cases, conformanceCase{name: more, headers: minimal + more, body: "data"})
	}
	for _, tt := range cases {
		if strings.Contains(tt.headers, "batch") {
			continue
		}
		header, body := request(t, tt.headers, tt.body)
		events, err := ReadHTTP(header, body)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(asTheSDK(t, header, tt.body), inUTC(events[0])); diff != "" {
			t.Errorf("%s: -SDK +Headway %s", tt.name, diff)
		}
		// What Headway delivers, an app with the SDK reads.
		written := http.Header{}
		sent := events[0].WriteHTTP(written)
		if diff := cmp.Diff(asTheSDK(t, written, string(sent)), inUTC(events[0])); diff != "" {
			t.Errorf("%s, delivered: -SDK +Headway %s", tt.name, diff)
		}
	}
}

// inUTC has the time as the SDK has it.
func inUTC(e Event) Event {
	if at, err := time.Parse(time.RFC3339, e.Time); err == nil {
		e.Time = at.UTC().String()
	}
	return e
}

// asTheSDK does for the SDK what the specification asks and the SDK does not: it
// decodes percent signs, and says the type that structured data has without one.
func asTheSDK(t *testing.T, header http.Header, body string) Event {
	t.Helper()
	message := cehttp.NewMessage(header, nopCloser{strings.NewReader(body)})
	read, err := binding.ToEvent(t.Context(), message)
	if err != nil {
		t.Errorf("the SDK does not read %v %q: %v", header, body, err)
		return Event{}
	}
	e := Event{ID: read.ID(), Source: read.Source(), Type: read.Type(), Subject: read.Subject(), DataSchema: read.DataSchema(), DataContentType: read.DataContentType()}
	if !read.Time().IsZero() {
		e.Time = read.Time().UTC().String()
	}
	for name, value := range read.Extensions() {
		text, err := types.Format(value)
		if err != nil {
			t.Fatal(err)
		}
		e.Set(name, text)
	}
	e.keepData(read.Data())
	if e.Subject, err = decodeHeader(e.Subject); err != nil {
		t.Fatal(err)
	}
	if header.Get("Content-Type") == mediaJSON && e.DataContentType == "" && e.Data != nil && !read.DataBase64 {
		e.DataContentType = "application/json"
	}
	return e
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }

func TestConformanceOfWrongEvents(t *testing.T) {
	without := func(name string) string {
		return strings.Replace(map[string]string{
			"specversion": `{"id":"invalid","type":"t","source":"s"}`, "id": `{"specversion":"1.0","type":"t","source":"s"}`,
			"type": `{"specversion":"1.0","id":"invalid","source":"s"}`, "source": `{"specversion":"1.0","id":"invalid","type":"t"}`,
		}[name], `"s"`, `"https://cloudevents.io"`, 1)
	}
	with := func(name, value string) string {
		return strings.Replace(without(name), "{", fmt.Sprintf("{%q:%s,", name, value), 1)
	}
	for name, tt := range map[string]struct{ body, attribute string }{
		"invalidNoSpecVersion":                    {without("specversion"), "specversion"},
		"invalidNoId":                             {without("id"), "id"},
		"invalidNoType":                           {without("type"), "type"},
		"invalidNoSource":                         {without("source"), "source"},
		"invalidTimeGarbage":                      {sample("invalid", `,"time":"lunchtime"`), "time"},
		"invalidTimeToMinute":                     {sample("invalid", `,"time":"2018-04-05T18:31Z"`), "time"},
		"invalidTimeOffsetX":                      {sample("invalid", `,"time":"2018-04-05T18:31:00X"`), "time"},
		"invalidTimeOffsetOutOfRange":             {sample("invalid", `,"time":"2018-04-05T18:31:00+25:00"`), "time"},
		"invalidTimeOffsetNonInteger":             {sample("invalid", `,"time":"2018-04-05T18:31:00+xx:00"`), "time"},
		"invalidTimeOffsetHourOnly":               {sample("invalid", `,"time":"2018-04-05T18:31:00+05"`), "time"},
		"invalidEmptyId":                          {with("id", `""`), "id"},
		"invalidEmptyType":                        {with("type", `""`), "type"},
		"invalidEmptySource":                      {with("source", `""`), "source"},
		"invalidEmptySpecVersion":                 {with("specversion", `""`), "specversion"},
		"invalidUnknownSpecVersion":               {with("specversion", `"0.9"`), "specversion"},
		"invalidNonRfc2046DataContentType":        {sample("invalid", `,"datacontenttype":"xyz"`), "datacontenttype"},
		"invalidEmptyDataContentType":             {sample("invalid", `,"datacontenttype":""`), "datacontenttype"},
		"invalidEmptyDataSchema":                  {sample("invalid", `,"dataschema":""`), "dataschema"},
		"invalidEmptySubject":                     {sample("invalid", `,"subject":""`), "subject"},
		"invalidNumericId":                        {with("id", "25"), "id"},
		"invalidObjectId":                         {with("id", `{"xyz":"abc"}`), "id"},
		"invalidCapitalizedExtension":             {sample("invalid", `,"MyExtension":"bad"`), "MyExtension"},
		"invalidPunctuatedExtension":              {sample("invalid", `,"my.extension":"bad"`), "my.extension"},
		"invalidNonIntegerExtensionValue":         {sample("invalid", `,"my.extension":1.5`), "my.extension"},
		"invalidBothDataAndDataBase64":            {sample("invalid", `,"data":"text","data_base64":"eyAieHl6IjogMTIzIH0="`), "data"},
		"invalidBatchMixedSpecVersions":           {"[" + sample("minimal1", "") + "," + with("specversion", `"0.9"`) + "]", "specversion"},
		"invalidBatchContainingInvalidCloudEvent": {"[" + without("id") + "]", "id"},
		"invalidBatchContainingNonObject":         {`["not an object",` + sample("minimal1", "") + "]", ""},
	} {
		contentType := mediaJSON
		if strings.HasPrefix(tt.body, "[") {
			contentType = mediaBatch
		}
		events, err := ReadHTTP(http.Header{"Content-Type": {contentType}}, []byte(tt.body))
		if p, ok := errors.AsType[*Problem](err); !ok || p.Attribute != tt.attribute {
			t.Errorf("%s: error %v, want one of %q; read %+v", name, err, tt.attribute, events)
		}
	}
}
