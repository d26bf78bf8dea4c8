"""Sentences and texts of our own, from which corpus.py builds documents."""

PROSE = """\
The ferry left the harbour before dawn, with forty crates of pears and one sleepy goat on deck.
Nobody in the village could remember who had built the stone wall behind the chapel.
After a week of rain, moss began to creep over the lower steps of the lighthouse.
She kept a ledger of every bird that landed on the sill, and noted the weather beside each name.
Two carpenters spent that summer repairing the roof of a barn which had lost its owner.
Bread rises faster in a warm kitchen, but the flavour of a slow dough is worth the wait.
His grandfather measured distances in pipes smoked rather than in miles walked.
A map of the valley hung above the desk, its corners held down with brass pins.
When the generator failed, they read aloud to one another until the lamp oil ran out.
Most of the letters were addressed to a street that had changed its name twice.
The potter threw away three bowls for each one that she was willing to sell.
From the top of the ridge you can see both rivers and the bridge that joins their banks.
Snow covered the orchard so evenly that the children mistook the hedge for a wall.
An engineer from the coast explained why the pump had to be cleaned in the dry season.
They planted beans between the rows of corn, as farmers there have always done.
The clockmaker refused to set any dial by the bells of the town hall.
Rust had eaten the hinge, so the gate leaned against the post like a tired visitor.
Students were asked to bring one question about the tides and no answers at all.
In the archive, boxes of glass negatives stood next to jars of coloured sand.
A quiet committee of retired sailors decides which boats may winter in the cove.
The recipe calls for fennel, though my aunt swears by a handful of wild thyme.
Before the railway came, salt travelled inland on the backs of patient mules.
Every autumn the museum lends its telescope to the school on the hill.
He folded the tent, counted the pegs, and found that he had one too many.
Wind turbines along the dike supply enough power for the dairy and the saw mill.
The violin was repaired with glue made from hooves, just as it was two centuries ago.
Our neighbour paints boats in winter because the colours dry more slowly then.
It took the surveyors eleven days to agree where the marsh ended and the lake began.
You will find spare candles in the drawer below the radio that does not work.
Fresh paint on the shutters made the inn look younger than its guests.
The beekeeper moved her hives to the heather after the lime trees had finished flowering.
A narrow path of crushed shells leads from the greenhouse to the well.
Visitors often ask why the tower has only three clocks for its four sides.
The printer mixed a darker blue and ran the posters through the press again.
Late trains rarely stop here, so the station cat has the platform to itself.
We sorted the seeds by size and then, foolishly, by how pretty they seemed.
An old charter gives every household the right to gather driftwood on Mondays.
The cook salted the water twice and blamed the moon for his mistake.
Thick fog makes the foghorn useless, according to people who sleep nearby.
Her notes describe a comet that no observatory seems to have recorded.
Oak beams from the wreck were used to frame the new library.
If you soak the reeds overnight, weaving a basket takes less than an hour.
The mayor opened the swimming pool by falling into it, to great applause.
Glaciers carried these boulders here and then withdrew without an apology.
Several families still speak a dialect with eleven words for mud.
On the third attempt, the kite rose above the poplars and stayed there all afternoon.
Ink made from walnut shells fades more gently than anything sold in shops.
The accountant found an error of nine cents and celebrated with cake.
Children sledged down the meadow until the grass showed through the snow.
A wooden leg, a parrot cage and six spoons were listed in the inventory.
Nothing grows under the walnut tree, which suits the chess players perfectly.
The ceramic tiles came from a kiln that closed when the clay pit flooded.
Swallows return to the stable in April and argue over last year's nests.
Once a month the choir rehearses in the cellar, where the echo is kinder.
Fishermen mend their nets on the quay while tourists photograph the wrong boats.
The bakery sells yesterday's rolls at half price to anyone who whistles.
Ivy hides the inscription, but you can still read the year with your fingers.
A retired judge teaches people how to prune roses and how to lose at cards.
The canal froze so hard that the postman delivered parcels on skates.
Every spring somebody proposes a fountain, and every autumn the plan is forgotten.""".split("\n")

QUOTES = """\
"Is the kettle on?" asked Mrs. Alder. "It is," said Dr. Finch, "and the cups are out."
Mr. J. R. Penn lives at No. 4, Mill St., approx. 3.5 km from the U.S. consulate.
She arrived at 5 p.m. on Jan. 3rd. At 6 a.m. the ferry left, i.e. far too early.
“Nobody knows,” he wrote, “what became of the ‘blue boat’…” Then he sealed it.
I can't say it wasn't gonna rain; they'd've told us, wouldn't they? We'll see!
The firm (est. 1921) makes nails, screws, etc. It has 1,200 employees. Inc. or Ltd.?
See fig. 2, pp. 10-12, vol. III. The rest (cf. appendix B) is omitted. Why?
'Twas late. D'ye know the rock'n'roll '90s? Y'all cannot lemme go, gimme that!
Wait... what?! No -- really -- she said so!!! (Or did she?) [Perhaps.] {Maybe.}
Prof. Li et al. measured 10km/h, 25°C, 3.14 m², $5.99, €7, 50% and 1/2 cup.
He e-mailed a.b@c.example; visit www.example.org/x?y=1 or http://example.com.
Tom's and the boys' bikes weren't theirs. James's is; it's Ann's. So's yours.
The well-known state-of-the-art 24-hour mother-in-law's co-op re-opened.
Is A.I. good? Ask the C.E.O. of I.B.M. or Ph.D. students in Washington D.C. Today.
Hello :) :-D ;-) <3 ^_^ o.O (: :'( xD \\o/ ¯\\_(ツ)_/¯ and goodbye :P.
“¿Qué?” «Oui !» „Ja“ ‚nein‘ ‹non› 「はい」 — that's six kinds of quotes. Right?
a.m. p.m. e.g. i.e. vs. etc. Adm. Gen. Gov. Jr. Sr. Rev. Sept. Nov. Ark. Mass.
It cost 5,000.50 on 3.4.2020 at 10:30pm... 'Really?' "Yes." "No"? OK. Fine.
one.two three.Four five,six seven;eight nine:ten A/B C&D e=f g>h i<j k+l m*n
He said "it's over". She said 'no.' They said (nothing). We said: "well..."
Can’t won’t I’m you’re he’s we’d they’ll it’d’ve o’clock ma’am y’all’d’ve.
Don't DON'T don’t Dont cant im Im ive IVE wheres Lets let's not've mustn't've
v1.2.3 x86-64 C++ C# F# .NET node.js #tag @name 50/50 24/7 9-5 1-800-555 ~10
Hi!Bye?No.Yes,Ok;So:It ends.here And...starts…again.""".split("\n")

PII = """\
Write to anna@example.com or bob.stone@mail.example.org, then carl+x@sub.example.co.uk.
ANNA@EXAMPLE.COM and Bob.Stone@Mail.Example.Org are upper-case forms.
.dot@example.com x..y@example.com a.@example.com @example.com b@ c@d e@f.g
émile@example.com あい@example.com user@exämple.com user@-example.com user@example-.com
user@[1.2.3.4] user@[300.1.1.1] user@[1.2.3.x:] user@8.8.8.8 user@example..com
a@b.c@d.e and f@g@h.i, <j@k.l> (m@n.o) "p"@q.r s_t@u.v w%x@y.z !#$%@a.b
Servers 8.8.8.8, 8.8.4.4, 1.1.1.1, 9.9.9.9, 208.67.222.222, 4.4.4.4 and 64.6.64.6 answered.
Private 10.0.0.1 172.16.5.4 172.32.0.1 192.168.1.1 127.0.0.1 169.254.1.1 100.64.0.1 0.1.2.3
Special 192.0.2.1 198.51.100.2 203.0.113.3 198.18.0.1 240.0.0.1 255.255.255.255 224.0.0.1 192.88.99.1
192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.31.196.1 192.52.193.1 192.175.48.1 198.17.255.255 198.20.0.0
08.8.8.8 8.08.8.8 256.1.1.1 1.256.1.1 1.2.3 1.2.3.4.5 1.2.3.4.5.6.7.8 .3.3.3.0 12.34.56.789 999.8.8.8.8
Version 10.15.7.1 of 2.4.1.0; v1.2.3.4-beta; 1.2.3.4/24; 1.2.3.4:80; http://5.6.7.8/x?a=9.10.11.12
no addresses here at all
mail:me@example.com,you@example.com;them@example.com|x@y.zz/w@v.uu
a_b@example.com é_b@example.com _@example.com 5@6.7 -@-.- ~@a.b x@y.z.
first.last@example.museum.
line@one.example
two@two.example three@three.example
x@a.bc--d.ef x@a-.bc x@a.b- x@1.2.3.4 x@1.2.3.256 y@25.25.25.25.example
1234567890.1.2.3 11.22.33.4455 ١.٢.٣.٤ 1．2．3．4 8.8.8.8８ 8.8.8.8é é8.8.8.8""".split("\n")

ODD = [
    "Don't STOP — it's 1,234.56 €! Crème brûlée: 3½ cups… №5 state-of-the-art (2024) 10km/h 1.2.3.4",
    "|$17.56||1|\n|$15.37||2599|\n½ ² ③ Ⅳ ٣٫٥ ४२ 1.5.2 1,5,2 1.a .5 5. 1⎖2",
    "ΟΔΟΣ ΣΑΣ. Σ İstanbul DİYARBAKIR ẞTRASSE ǅungla ſtone K Å ﬁne ﬀ",
    "e\u0301te\u0301 e\u0301\u0302 n\u0303 \u1e69 s\u0323\u0307 \ud55c\uad6d \u1112\u1161\u11ab \u0939\u093f\u0928\u094d\u0926\u0940 \u05d0\u05b8",
    "emoji 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ☺️ 🤷🏾‍♂️ and a ⏰ with ❤️ and 🎉🎉🎉 today",
    "  leading and trailing   spaces \t tabs\tand\u00a0no-break\u2003em\u3000ideographic  \n\n  next \r\n line \r old mac \x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029 end  ",
    "zero\u200bwidth soft\u00adhyphen joiner\u200dword bom\ufeff object\ufffc replacement\ufffd left\u202emark\u202c",
    "a<|endoftext|>b <|endoftext|> <|endoftext <|im_start|> [UNK] </s> <pad>",
    "x" * 300 + " " + "=" * 120 + " " + "-" * 80 + " " + "." * 77 + " " + "!?" * 40,
    "AAAA BBBB aaaa bbbb " * 3 + "1234567890 " * 3 + "100000000000000000000 3.14159265358979",
    "don't you'll we've they're I'm he'd it's DON'T YOU'LL WE'VE 'tis 'sword 're've ''s ' t",
    "def f(x):\n    return x + 1\n\n\n\tif a == b and c != d:\n\t\tprint(\"%s\" % 'x')\n        # deep\n",
    "https://www.example.com/path/to/page.html?query=string&other=1#fragment www.example.org example.net/a_b-c~d a.b.c.d.e",
    "日本語の文章です。句読点、もあります！改行は\nここ。英語 word と数字 123 も混ざる？はい。",
    "汉字没有空格。标点符号，很多！第三句？还有“引号”和（括号）。",
    "ภาษาไทยไม่มีช่องว่าง และ นี่คือ ประโยค ที่สอง",
    "العربية تُكتب من اليمين إلى اليسار. هل هذا صحيح؟ نعم، صحيح.",
    "हिन्दी में लिखा वाक्य। दूसरा वाक्य॥ तीसरा?",
    "𝒜𝓁𝓅𝒽𝒶 𝟘𝟙𝟚 𐐀𐐨 𑁇 𝪈 🄰 ﷺ Ω Ω µ μ",
    "\x00\x01\x02 control \x1f\x7f\x80\x9f characters \x08 here",
    "tab\tseparated\tvalues\t1\t2\t3\nnext\trow\t4\t5\t6\n",
    "• one\n• two\n- three\n* four\n1. five\n(a) six\n— seven\n· eight\n‣ nine",
    "A. B. C. D. E. F. G.\nMr. Mrs. Ms. Dr. St. vs. No. Op. Fig.\n... ?! !? !!! ??? .. . ,",
    "word" + "\u0301" * 40 + " z" + "\u0335" * 20 + "a",
    "9,99 € 1.000,00 $1,000.00 £5m ¥100 10% 10°C 5kg 6'2\" 3x4 2×3 1±2 10⁻³ H₂O x² №1 §5 ¶6 †7",
    "q.w.e.r.t.y. a.b c.d E.F g.H 1.a a.1 a,b 1,b a,1 a:b 1:2 a/b a=b a<b a>b a-b a--b a–b a—b a~b a_b a*b 1*2 1+2 1-2 1^2",
    "''quoted'' ``ticks'' \"double\" 'single' ‚low‘ „low“ «angle» ‹one› ′prime″ `back`",
    "(parens) [brackets] {braces} <angles> ((nested)) [mixed) \"(all)\" ('every').",
    "mother-in-law's co-operative's 're-use' pre–war post—war 1990s '90s 90's A's and B's P.S. P.P.S.",
    "\n",
    " ",
    ".",
    "The end",
]

FOREIGN = {
    "en": "The river runs past the mill and under the old bridge. In the evening people walk along its banks and talk about the weather.",
    "de": "Der Fluss fließt an der Mühle vorbei und unter der alten Brücke hindurch. Am Abend gehen die Leute am Ufer spazieren und reden über das Wetter.",
    "fr": "La rivière passe devant le moulin et sous le vieux pont. Le soir, les gens se promènent sur ses rives et parlent du temps qu'il fait.",
    "es": "El río pasa junto al molino y por debajo del puente viejo. Por la tarde la gente pasea por la orilla y habla del tiempo.",
    "it": "Il fiume scorre accanto al mulino e sotto il vecchio ponte. La sera la gente cammina lungo le rive e parla del tempo.",
    "pt": "O rio passa pelo moinho e por baixo da ponte velha. À noite as pessoas caminham pelas margens e falam sobre o tempo.",
    "nl": "De rivier stroomt langs de molen en onder de oude brug door. 's Avonds wandelen de mensen langs de oever en praten over het weer.",
    "af": "Die rivier vloei verby die meul en onder die ou brug deur. Saans stap die mense langs die oewer en praat oor die weer.",
    "sv": "Floden rinner förbi kvarnen och under den gamla bron. På kvällen går folk längs stranden och pratar om vädret.",
    "pl": "Rzeka płynie obok młyna i pod starym mostem. Wieczorem ludzie spacerują brzegiem i rozmawiają o pogodzie.",
    "cs": "Řeka teče kolem mlýna a pod starým mostem. Večer se lidé procházejí po břehu a mluví o počasí.",
    "tr": "Nehir değirmenin yanından ve eski köprünün altından akar. Akşamları insanlar kıyıda yürür ve havadan söz eder.",
    "ru": "Река течёт мимо мельницы и под старым мостом. Вечером люди гуляют по берегу и говорят о погоде.",
    "uk": "Річка тече повз млин і під старим мостом. Увечері люди гуляють берегом і говорять про погоду.",
    "el": "Το ποτάμι περνά δίπλα από τον μύλο και κάτω από το παλιό γεφύρι. Το βράδυ οι άνθρωποι περπατούν στην όχθη και μιλούν για τον καιρό.",
    "ar": "يجري النهر قرب الطاحونة وتحت الجسر القديم. في المساء يتمشى الناس على ضفتيه ويتحدثون عن الطقس.",
    "hi": "नदी चक्की के पास से और पुराने पुल के नीचे से बहती है। शाम को लोग किनारे पर टहलते हैं और मौसम की बात करते हैं।",
    "ja": "川は水車小屋のそばを通り、古い橋の下を流れています。夕方になると人々は岸辺を歩き、天気の話をします。",
    "zh": "河水流过磨坊，从老桥下穿过。傍晚人们沿着河岸散步，谈论天气。",
    "ko": "강은 방앗간 옆을 지나 오래된 다리 아래로 흐른다. 저녁이면 사람들은 강둑을 걸으며 날씨 이야기를 한다.",
    "vi": "Dòng sông chảy qua cối xay và dưới cây cầu cũ. Buổi chiều mọi người đi dạo dọc bờ sông và nói về thời tiết.",
    "id": "Sungai mengalir melewati kincir dan di bawah jembatan tua. Pada sore hari orang berjalan di tepinya dan berbicara tentang cuaca.",
    "he": "הנהר זורם ליד הטחנה ומתחת לגשר הישן. בערב אנשים מטיילים לאורך גדותיו ומדברים על מזג האוויר.",
}
