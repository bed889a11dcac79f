package announce

import (
	"strings"

	"github.com/okienko/okienko/protocol"
)

// vocabulary is what a language says. Lists of numbers begin with an unused 0 where they start at 1.
type vocabulary struct {
	ticket, again, please string
	places                map[Place]string
	letters               string // the names of A to Z; _ is a space
	below20               []string
	tens                  []string
	hundreds, thousands   []string
	and                   string // between hundreds and the rest; empty for none
	// join makes 21 to 99 of tens and units.
	join func(tens, unit string) string
}

// below100 is a number from 0 to 99.
func (w vocabulary) below100(n int) string {
	switch {
	case n < 20:
		return w.below20[n]
	case n%10 == 0:
		return w.tens[n/10]
	}
	return w.join(w.tens[n/10], w.below20[n%10])
}

func words(l protocol.Language) (vocabulary, bool) {
	switch l {
	case protocol.Polish:
		return polish(), true
	case protocol.English:
		return english(), true
	case protocol.Ukrainian:
		return ukrainian(), true
	case protocol.German:
		return german(), true
	}
	return vocabulary{}, false
}

func list(text string) []string { return strings.Split(text, ",") }

func spaced(tens, unit string) string { return tens + " " + unit }

// Letters are written as they are called, for a synthesizer reads a lone Z or W as a preposition.
// After "proszę do" stands the genitive of the place and the undeclined cardinal.
func polish() vocabulary {
	return vocabulary{
		ticket: "numer", again: "wezwanie ponowne,", please: "proszę do",
		places:  map[Place]string{Counter: "stanowiska", Window: "okienka", Room: "pokoju", Hall: "sali", Cash: "kasy"},
		letters: "a be ce de e ef gie ha i jot ka el em en o pe ku er es te u fał wu iks igrek zet",
		below20: list("zero,jeden,dwa,trzy,cztery,pięć,sześć,siedem,osiem,dziewięć,dziesięć,jedenaście,dwanaście," +
			"trzynaście,czternaście,piętnaście,szesnaście,siedemnaście,osiemnaście,dziewiętnaście"),
		tens: list(",,dwadzieścia,trzydzieści,czterdzieści,pięćdziesiąt,sześćdziesiąt,siedemdziesiąt," +
			"osiemdziesiąt,dziewięćdziesiąt"),
		hundreds: list(",sto,dwieście,trzysta,czterysta,pięćset,sześćset,siedemset,osiemset,dziewięćset"),
		thousands: list(",tysiąc,dwa tysiące,trzy tysiące,cztery tysiące,pięć tysięcy,sześć tysięcy," +
			"siedem tysięcy,osiem tysięcy,dziewięć tysięcy"),
		join: spaced,
	}
}

// A lone A would be read as the article, so letters are spelled by their names.
func english() vocabulary {
	return vocabulary{
		ticket: "ticket", again: "second call,", please: "please go to",
		places: map[Place]string{Counter: "counter", Window: "window", Room: "room", Hall: "hall", Cash: "cash desk"},
		letters: "ay bee see dee ee eff gee aitch eye jay kay ell em en oh pee cue ar ess tee you vee " +
			"double_you ex why zed",
		below20: list("zero,one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,thirteen,fourteen," +
			"fifteen,sixteen,seventeen,eighteen,nineteen"),
		tens: list(",,twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety"),
		hundreds: list(",one hundred,two hundred,three hundred,four hundred,five hundred,six hundred," +
			"seven hundred,eight hundred,nine hundred"),
		thousands: list(",one thousand,two thousand,three thousand,four thousand,five thousand,six thousand," +
			"seven thousand,eight thousand,nine thousand"),
		and:  "and",
		join: func(tens, unit string) string { return tens + "-" + unit },
	}
}

func ukrainian() vocabulary {
	return vocabulary{
		ticket: "номер", again: "повторний виклик,", please: "пройдіть до",
		places:  map[Place]string{Counter: "вікна", Window: "віконця", Room: "кімнати", Hall: "зали", Cash: "каси"},
		letters: "а бе це де е еф ґе га і йот ка ел ем ен о пе ку ер ес те у фау дубль-ве ікс ігрек зет",
		below20: list("нуль,один,два,три,чотири,п'ять,шість,сім,вісім,дев'ять,десять,одинадцять,дванадцять," +
			"тринадцять,чотирнадцять,п'ятнадцять,шістнадцять,сімнадцять,вісімнадцять,дев'ятнадцять"),
		tens:     list(",,двадцять,тридцять,сорок,п'ятдесят,шістдесят,сімдесят,вісімдесят,дев'яносто"),
		hundreds: list(",сто,двісті,триста,чотириста,п'ятсот,шістсот,сімсот,вісімсот,дев'ятсот"),
		thousands: list(",тисяча,дві тисячі,три тисячі,чотири тисячі,п'ять тисяч,шість тисяч,сім тисяч," +
			"вісім тисяч,дев'ять тисяч"),
		join: spaced,
	}
}

// Units come before tens, so that numbers below 100 can only be whole recordings.
func german() vocabulary {
	return vocabulary{
		ticket: "Nummer", again: "zweiter Aufruf,", please: "bitte zu",
		places:  map[Place]string{Counter: "Schalter", Window: "Fenster", Room: "Zimmer", Hall: "Saal", Cash: "Kasse"},
		letters: "A Be Ze De E Eff Ge Ha I Jott Ka Ell Emm Enn O Pe Ku Err Ess Te U Vau We Iks Ypsilon Zett",
		below20: list("null,eins,zwei,drei,vier,fünf,sechs,sieben,acht,neun,zehn,elf,zwölf,dreizehn,vierzehn," +
			"fünfzehn,sechzehn,siebzehn,achtzehn,neunzehn"),
		tens: list(",,zwanzig,dreißig,vierzig,fünfzig,sechzig,siebzig,achtzig,neunzig"),
		hundreds: list(",einhundert,zweihundert,dreihundert,vierhundert,fünfhundert,sechshundert,siebenhundert," +
			"achthundert,neunhundert"),
		thousands: list(",eintausend,zweitausend,dreitausend,viertausend,fünftausend,sechstausend,siebentausend," +
			"achttausend,neuntausend"),
		join: func(tens, unit string) string { return strings.TrimSuffix(unit, "s") + sIfSix(unit) + "und" + tens },
	}
}

// sIfSix keeps the s of sechs, which eins alone loses: einundzwanzig, sechsundzwanzig.
func sIfSix(unit string) string {
	if unit == "sechs" {
		return "s"
	}
	return ""
}
