"""The generator's own word lists: people, places, streets, employers, taxes and industries.

Compiled for this project. Any name shared with a person, company or authority is a coincidence; the tax rates are invented.
No word holds a separator or markup character, so no format needs escaping, except one employer with quotation marks.
"""

from typing import NamedTuple


def _listed(text: str, separator: str = " ") -> list[str]:
    """The entries of a text; a line break separates like the separator."""
    return text.strip().replace("\n", separator).split(separator)


FIRST_NAMES = _listed("""
Abigail Adele Agnes Aisha Alba Albert Alina Amara Amir Anders Andrea Anika Anton Arjun Astrid Aurora Barbara Bartek
Beatrice Benedikt Bianca Boris Bruno Camille Carlos Carmen Cecilia Celine Chidi Clara Conrad Cosima Cyril Dagmar Damian
Daria Dario David Deborah Demir Diana Dmitri Dolores Edgar Edith Eleni Elias Elif Elin Emil Emma Enrique Erik Esther
Eugen Eva Fabian Farah Fatima Felix Fergus Fiona Florian Frank Freya Gabriel Georg Gerda Gideon Gita Goran Greta
Gustav Hamza Hanna Haruki Hector Heidi Helena Henrik Hilda Hugo Ida Igor Ilse Imani Imre Ines Ingrid Iris Ivan Jakob
Jana Jasper Joachim Johanna Jonas Jorge Josefine Judith Julia Kaan Karim Karla Kaspar Katja Keiko Kerstin Klaus Kofi
Lars Laura Leila Lena Leon Liam Lidia Linus Livia Lorenz Lucia Ludwig Lukas Luisa Magda Maja Malik Manuel Mara Marek
Margit Marius Marta Matteo Maxim Melina Mikael Milan Mina Mirjam Moritz Nadia Naomi Natalia Nele Nico Nils Nina Noah
Nora Olaf Oleg Olga Oliver Omar Oscar Otto Pablo Paula Pavel Pedro Petra Philipp Pia Rafael Rahel Ramona Raul Regina
Renata Richard Rita Robert Rolf Romy Rosa Ruben Ruth Sabine Salma Samuel Sandra Sara Selma Sergei Silas Silvia Simon
Sofia Stefan Susan Svenja Tamara Tariq Tatjana Theo Thomas Tilda Tobias Tomas Ulrich Ursula Valentin Vera Verena Victor
Viola Walter Wanda Werner Wiebke Xenia Yara Yasmin Yusuf Yvonne Zara Zoltan
""")

LAST_NAMES = _listed("""
Abendroth Achterberg Adeyemi Ahlgren Albrecht Almeida Amsel Anders Arslan Aumann Bachmann Baldauf Barros Baumgart Becker
Benedetti Bergmann Bernhardt Bialik Birkeland Bjornson Blanchard Bogdanov Borchert Brandt Brauer Brennan Brinkmann
Bucher Burkhart Cabrera Calvino Castell Cermak Chandra Cieslak Claussen Cordes Cramer D'Amico D'Souza Dahlberg Dallmann
Dankert Delacroix Demirci Diallo Dietrich Dombrowski Dreyer Dubois Duran Eberhardt Eckstein Egger Ehrlich Eklund
Engelmann Eriksen Estrada Fabricius Falkenberg Farkas Feldmann Fenwick Ferreira Fischbach Fleming Fontaine Forsberg
Freitag Friedmann Fuchs Furukawa Gallardo Garcia Gehrke Gerlach Giordano Glaser Goldberg Gomes Grabowski Granqvist
Greenwood Grimaldi Grossmann Guerrero Gustafsson Haas Hagedorn Halvorsen Hammerschmidt Hansen Hartmann Haugen Heinrich
Hellstrom Henkel Herrera Hildebrand Hoffmann Holmberg Horvath Huber Hussain Ibrahim Iglesias Ikeda Isaksson Ivanova
Jablonski Jacobsen Jaeger Jansson Jimenez Johansen Jurado Kaminski Kapoor Karlsson Kaufmann Keller Kessler Kimura
Kirchner Klein Knudsen Koch Kohlmann Kovacs Kowalczyk Kramer Krause Krogh Kruse Kuhn Kwiatkowski Lachmann Lambert Lange
Larsson Laurent Lehmann Leitner Lindgren Lombardi Lorenzen Lozano Ludwig Lundqvist Mahler Malinowski Manning Marchetti
Marquardt Martens Mathieu Mayrhofer Meissner Mendes Mercier Meyer Mikkelsen Moller Montoya Moreau Moretti Mueller
Murakami Nakamura Navarro Neumann Nguyen Nielsen Nordmann Novotny Nowak O'Connell O'Hara O'Rourke Oberholzer Ochoa
Oduya Okafor Olsen Ortega Osterman Ottosson Paulsen Pedersen Peltonen Perrin Petrov Pfeiffer Pichler Pohlmann Popescu
Prieto Quast Quintero Rademacher Ramirez Rasmussen Rautio Reinhardt Renaud Ribeiro Richter Riedel Rinaldi Ritter Rivas
Rosenthal Rossi Rousseau Ruiz Sahin Salazar Sandoval Santos Sauer Schaefer Schilling Schneider Schreiber Schuster
Schwarz Seidel Serrano Silva Simonsen Sjoberg Sobczak Sommer Steinbach Stenberg Strand Suzuki Svensson Szabo Takahashi
Tanaka Teixeira Thalberg Thomsen Tiedemann Toivonen Torres Tremblay Trujillo Ullmann Unger Urbanek Valentini Vasquez
Vedder Velasco Vestergaard Vidal Vogel Volkov Wagner Waldmann Wallin Weber Weidmann Wendt Werner Westphal Wieland
Winkler Winther Wolff Yamamoto Yildiz Zahradnik Zamora Zellweger Ziegler Zielinski Zimmermann
""")

STREETS = _listed("""
Acacia Alder Amber Apple Aspen Balsam Bayberry Beacon Beech Birch Blossom Bluebell Bramble Bridge Brook Butternut
Canal Cedar Chapel Cherry Chestnut Clover Copper Coral Cottage Cypress Dogwood Dove Eagle Elder Elm Falcon Fern Field
Finch Flint Forest Fountain Foxglove Garden Garnet Ginkgo Glade Granite Greenway Grove Harbor Hawthorn Hazel Heather
Heron Hickory Holly Honeysuckle Iris Ivory Ivy Jasper Juniper Kestrel Lake Larch Larkspur Laurel Lavender Lilac Linden
Lupine Magnolia Maple Marigold Market Meadow Mill Mint Mulberry Myrtle Nettle Oak Olive Orchard Osprey Park Pear Pebble
Pine Plum Poplar Poppy Quarry Quince Raven Ridge River Robin Rosemary Rowan Saffron Sage Sandstone School Sequoia
Sorrel Sparrow Spring Spruce Station Sunflower Swan Sycamore Thistle Thyme Tulip Valley Violet Walnut Willow Wren Yarrow
""")

STREET_KINDS = _listed(
    "Alley Avenue Boulevard Court Crescent Drive Heights Lane Path Place Road Row Square Street Terrace Walk"
)

CITIES = _listed(
    """
Alderbrook|Amberton|Ashcombe|Aspen Falls|Bayfield|Beacon Hill|Birch Creek|Blackwater|Bridgeford|Brightwater|Cedar Point
Chestnut Grove|Clearfield|Cliffside|Copper Canyon|Cranberry Bay|Crystal Lake|Deer Valley|Dunmore|Eagle Rock|Eastbrook
Edgewater|Elm Springs|Evergreen|Fairhaven|Fern Hollow|Fox River|Glenwood|Golden Plains|Granite City|Green Harbor
Hartwell|Hawthorne|Hazelton|Heron Bay|Highland Park|Holly Ridge|Ironwood|Ivory Coast Springs|Jasper|Juniper Flats
Kingsport|Lakeshore|Laurelton|Lindenhurst|Lone Pine|Maple Grove|Marble Falls|Meadowbrook|Millbrook|Misty Harbor
Moss Landing|New Bremen|New Salem|Northfield|Oak Bluff|Oldcastle|Orchard Park|Pebble Beach|Pine Island|Plainview
Port Almond|Port Wilhelm|Quarry Town|Quiet Waters|Red Rock|Ridgefield|River Bend|Rockport|Rosedale|Saint Anselm
Saint Oda|Salt Fork|Sandy Point|Silver Lake|South Haven|Springdale|Stillwater|Stonebridge|Summerville|Sunny Slope
Thornton|Three Oaks|Timberline|Trout Lake|Twin Peaks|Union Mills|Valley View|Vernon Hills|Walnut Creek|Waterford
Westbrook|White Plains|Wild Rose|Willow Springs|Windermere|Winter Harbor|Woodland|Wren Mills|Yellow Springs
""",
    "|",
)

US_STATES = _listed("""
AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI
SC SD TN TX UT VT VA WA WV WI WY
""")

PROVINCES = {
    "AB": "Alberta",
    "BC": "British Columbia",
    "MB": "Manitoba",
    "NB": "New Brunswick",
    "NL": "Newfoundland",
    "NT": "Northwest Territory",
    "NS": "Nova Scotia",
    "NU": "Nunavut",
    "ON": "Ontario",
    "PE": "Prince Edward Island",
    "QC": "Quebec",
    "SK": "Saskatchewan",
    "YT": "Yukon",
}
STATES_AND_PROVINCES = [*US_STATES, *PROVINCES.values()]
COUNTRIES = ["", "United States of America", "Canada"]

MAIL_PROVIDERS = _listed("""
anthill.example.org beechmail.example.com bluepost.example.net brightbox.example.org carrier.example.com
cedarmail.example.net courier.example.org dovepost.example.com fastmailer.example.net fernpost.example.org
foxmail.example.com harbormail.example.net heronpost.example.org inkwell.example.com lakemail.example.net
letterbox.example.org maplemail.example.com northpost.example.net oakmail.example.org openpost.example.com
papermail.example.net pigeon.example.org postbag.example.com quillmail.example.net ravenpost.example.org
riverpost.example.com sealmail.example.net sparrow.example.org stampmail.example.com wirepost.example.net
""")

QUOTED_EMPLOYER = '"Kids ""N"" Kites Toys"'
EMPLOYERS = _listed(
    """
Abacus Freight|Alder & Sons Timber|Amber Foods|Anvil Steel|Aspen Insurance|Atlas Shipping|Aurora Optics|Bayside Hotels
Beacon Energy|Bellweather Media|Birchwood Paper|Blue Heron Airways|Bramble Garden Tools|Brightwater Utilities|Brook's Books
Canal Street Bank|Cedar Health Group|Chapel Hill Ceramics|Clover Dairy|Compass Logistics|Copperfield Mining|Coral Reef Resorts
Crescent Motors|Crown Cable|Cypress Software|Delta Grain Mills|Dogwood Furniture|Eagle Crest Defense|Elder Pharmacies
Ember Cosmetics|Evergreen Packaging|Falcon Couriers|Fern & Moss Nurseries|Fieldstone Builders|Flint Glassworks|Foxglove Textiles
Garnet Jewelers|Glacier Bottling|Granary Breads|Granite State Tools|Greenway Rail|Grove Telecom|Harbor Fisheries
Hawthorn Publishing|Hazel Toys|Hickory Smokehouse|Horizon Rentals|Ironbridge Works|Ivory Piano Makers|Jasper Chemicals
Juniper Trading|Keystone Paints|Kestrel Aerospace|Lakeview Schools|Lantern Films|Larch Lumber|Lighthouse Retail
Linden Legal Services|Magnolia Spas|Maple Leaf Bakers|Marigold Seeds|Meridian Clinics|Mill Creek Farms|Mint Condition Autos
Mulberry Silk|Northwind Turbines|Oak & Anchor Pubs|Olive Branch Catering|Orchard Fruit Growers|Osprey Security|Paragon Cement
Pebble Watches|Pinecone Outfitters|Plum Line Surveyors|Poplar Press|Prairie Oil & Gas|Quarry Stoneworks|Quill Stationers
Raven Records|Redwood Capital|Ridgeback Tires|Riverbed Gravel|Rosemary Kitchens|Rowan Robotics|Saffron Spices|Sage Advisors
Sandpiper Cruises|Sequoia Data|Silverline Buses|Sparrow Drones|Spruce Home Stores|Starling Studios|Summit Climbing Gear
Sunflower Oils|Sycamore Trust|Thistle Knitwear|Timberland Cranes|Topaz Lighting|Tulip Flower Markets|Violet Ray Imaging
Walnut Cabinets|Willow Care Homes|Windmill Dairies|Wren Architects|Yarrow Herbals|Zephyr Cycles
""",
    "|",
)

RATINGS = _listed("AAA AA+ AA AA- A+ A A- BBB+ BBB BBB- BB+ BB BB- B+ B B- CCC+ CCC CCC- CC C D")

_BANDS = [
    "first band",
    "second band",
    "third band",
    "fourth band",
    "upper band",
    "top band",
    "senior relief",
    "family relief",
    "seasonal work",
    "public service",
]


class Tax(NamedTuple):
    """A row of TaxRate.txt; the rate in units of 0.00001."""

    tax_id: str
    name: str
    rate: int


def tax_rates() -> list[Tax]:
    """320 invented rates: 10 of the United States, 8 of Canada, 4 or 5 of each state and province.

    (name, rate) is unique. Three names occur twice with two rates, so a join on the name alone doubles rows.
    """
    rates = [
        Tax(f"US{band + 1}", f"Income tax, United States, {_BANDS[band]}", 9_000 + 3_450 * band)
        for band in range(10)
    ]
    rates += [
        Tax(f"CN{band + 1}", f"Income tax, Canada, {_BANDS[band]}", 14_500 + 3_120 * band)
        for band in range(8)
    ]
    places = {**{code: f"State of {code}" for code in US_STATES}, **PROVINCES}
    for position, (code, place) in enumerate(places.items()):
        bands = 5 if position < 46 else 4
        base = position * 67 % 2_900
        rates += [
            Tax(
                f"{code}{band + 1}",
                f"Income tax, {place}, {_BANDS[band]}",
                base + (1_150 + 13 * position) * band,
            )
            for band in range(bands)
        ]
    for repeated in (60, 130, 200):
        rates[repeated + 1] = rates[repeated + 1]._replace(name=rates[repeated].name)
    return rates


class Industry(NamedTuple):
    """A row of Industry.txt."""

    industry_id: str
    name: str
    sector: str


_INDUSTRIES = """
BM:Adhesives,Fertilizers,Fine Chemicals,Forestry,Glass and Ceramics,Iron Ore,Paper Mills,Plastics
CG:Aircraft Parts,Bearings,Cranes and Lifts,Industrial Robots,Machine Tools,Pumps and Valves,Shipyards
CC:Bicycles,Carpets,Clocks and Watches,Footwear,Garden Tools,Home Furniture,Toys and Games
CN:Bakeries,Beverages,Breweries,Confectionery,Dairy,Frozen Meals,Soap and Detergents
EN:Coal,Gas Pipelines,Oil Refining,Solar Parks,Wind Farms
FN:Asset Managers,Building Societies,Consumer Credit,Life Insurers,Marine Insurance,Regional Banks,Stock Exchanges
HC:Dental Supplies,Generic Medicines,Hospitals,Hearing Aids,Laboratory Tests,Nursing Homes
SV:Advertising,Book Publishers,Cinemas,Hotels,Laundries,Private Schools,Restaurants,Ski Resorts
TC:Computer Games,Data Centers,Mobile Networks,Office Software,Printers,Semiconductors,Sensors
TR:Air Cargo,Bus Lines,Canal Shipping,Parcel Services,Railways
UT:District Heating,Electric Grids,Waste Collection,Water Works
""".strip().splitlines()


def industries() -> list[Industry]:
    """102 industries with unique two-letter ids; 31 names occur twice, in another sector, so ids must be joined."""
    named = [(name, line[:2]) for line in _INDUSTRIES for name in line[3:].split(",")]
    sectors = [line[:2] for line in _INDUSTRIES]
    again = 102 - len(named)
    doubled = [
        (name, sectors[(sectors.index(sector) + 3) % len(sectors)])
        for name, sector in named[:again]
    ]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ids = [letters[code // 26] + letters[code % 26] for code in range(1, 102 * 6, 6)]
    rows = [
        Industry(key, name, sector)
        for key, (name, sector) in zip(ids, named + doubled, strict=True)
    ]
    return sorted(rows)
