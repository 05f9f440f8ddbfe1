"""Words the synthetic data is put together from.

Romanisations follow the Revised Romanization of Korean, surnames as people usually write them.
Nothing here names a real person; companies are invented.
"""

from typing import Final

SURNAMES: Final = (
    ("김", "Kim"), ("이", "Lee"), ("박", "Park"), ("최", "Choi"), ("정", "Jeong"),
    ("강", "Kang"), ("조", "Cho"), ("윤", "Yoon"), ("장", "Jang"), ("임", "Lim"),
    ("한", "Han"), ("오", "Oh"), ("서", "Seo"), ("신", "Shin"), ("권", "Kwon"),
    ("황", "Hwang"), ("안", "Ahn"), ("송", "Song"), ("류", "Ryu"), ("남궁", "Namgung"),
)  # fmt: skip

FIRST_SYLLABLES: Final = (
    ("민", "min"), ("서", "seo"), ("지", "ji"), ("도", "do"), ("하", "ha"), ("예", "ye"),
    ("준", "jun"), ("수", "su"), ("은", "eun"), ("현", "hyeon"), ("유", "yu"), ("채", "chae"),
    ("시", "si"), ("태", "tae"), ("승", "seung"), ("영", "yeong"), ("재", "jae"), ("가", "ga"),
)  # fmt: skip

SECOND_SYLLABLES: Final = (
    ("준", "jun"), ("연", "yeon"), ("우", "u"), ("윤", "yun"), ("아", "a"), ("진", "jin"),
    ("호", "ho"), ("원", "won"), ("빈", "bin"), ("희", "hui"), ("영", "yeong"), ("율", "yul"),
    ("림", "rim"), ("건", "geon"), ("혁", "hyeok"), ("나", "na"),
)  # fmt: skip

# Branch number of three digits and its name.
BRANCHES: Final = (
    ("001", "본점영업부"), ("014", "광화문지점"), ("023", "강남지점"), ("037", "판교지점"),
    ("041", "대전둔산지점"), ("052", "부산서면지점"), ("063", "대구동성로지점"),
    ("071", "광주상무지점"), ("088", "인천송도지점"), ("095", "제주노형지점"),
)  # fmt: skip

# Clearing numbers of the receiving banks.
CREDITOR_BANKS: Final = ("004", "011", "020", "081", "088", "089", "090", "092")

COMPANIES: Final = (
    "한빛상사", "푸른들식품(주)", "(주)새벽배송", "가온전자", "다솜어린이집", "해오름관리사무소",
    "미르건설(주)", "나래여행사", "도담학원", "온누리약국", "라온통신(주)", "소담치과의원",
)  # fmt: skip

# What is paid for, from and to how much in won, and in steps of how many won.
PURPOSES: Final = (
    ("관리비", 85_000, 420_000, 10),
    ("월세", 350_000, 1_800_000, 10_000),
    ("학원비", 120_000, 780_000, 1_000),
    ("보험료", 23_400, 310_000, 10),
    ("통신요금", 19_800, 125_400, 10),
    ("물품대금", 180_000, 24_500_000, 10),
    ("회비", 10_000, 100_000, 5_000),
    ("축의금", 50_000, 300_000, 50_000),
    ("생활비", 200_000, 2_500_000, 10_000),
    ("전세보증금 & 이사비", 50_000_000, 380_000_000, 1_000_000),
)
