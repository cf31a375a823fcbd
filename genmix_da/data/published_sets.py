"""Where each published data set is got, under which terms, and what it holds when it is whole.

Facts alone, as their home pages, papers and public code give them. A checksum is here where several
public projects note the same one; the authors publish none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genmix_da.errors import UserError, there_are
from office_home import class_counts
from office_home.names import key

_RESEARCH = "Non-commercial research and education alone"
_FAIR_USE = (
    f"{_RESEARCH}: a fair-use notice, for the images belong to their owners. Other uses need their "
    "permission."
)
_UNSTATED = "No licence is stated; the images belong to their owners."


@dataclass(frozen=True)
class Archive:
    """A file that the data set is published as.

    Attributes:
        name: of the file.
        url: that it is fetched from without a browser; None: its page asks questions first.
        md5: of the file; None: no checksum is published.
        domain: the one it holds; None: all.
    """

    name: str
    url: str | None = None
    md5: str | None = None
    domain: str | None = None


@dataclass(frozen=True)
class PublishedSet:
    """One published data set.

    Attributes:
        name: as it is typed.
        title: as papers write it.
        paper: that it comes from.
        home: its page.
        terms: of use, in a sentence.
        by_hand: how its archive is got with a browser.
        domains: published name -> other spellings of its folder.
        classes: their number, the same in every domain.
        archives: that it is published as; none: images are not handed out as one file.
        mirror: what follows "datasets:" for the copy on the hub, at a fixed revision; None: none is
            known.
        images: domain -> published number; a domain without one is not compared.
        counts: name of its table of images per class, see `office_home.class_counts`; None: none.
        note: what else there is to know.
    """

    name: str
    title: str
    paper: str
    home: str
    terms: str
    by_hand: str
    domains: Mapping[str, tuple[str, ...]]
    classes: int
    archives: tuple[Archive, ...] = ()
    mirror: str | None = None
    images: Mapping[str, int] = field(default_factory=dict)
    counts: str | None = None
    note: str = ""

    @property
    def downloads(self) -> bool:
        """Whether it can be fetched without a browser."""
        return self.mirror is not None or any(archive.url for archive in self.archives)

    def domain_named(self, folder: str) -> str | None:
        """The published domain that a folder's name means; None for another folder."""
        wanted = key(folder)
        for domain, others in self.domains.items():
            if wanted and wanted in {key(name) for name in (domain, *others)}:
                return domain
        return None

    def archive_named(self, file: str) -> Archive | None:
        """The published archive of this file name, in any case; None for another file."""
        return next((a for a in self.archives if a.name.lower() == file.lower()), None)

    def per_class(self) -> dict[str, dict[str, int]]:
        """Domain -> class -> published number of images; empty where none is published."""
        if self.counts is None:
            return {}
        table = class_counts(self.counts)
        return {
            str(domain): {str(name): int(count) for name, count in table[domain].items()}
            for domain in table.columns
        }


_VISDA = "http://csr.bu.edu/ftp/visda17/clf"
_DOMAINNET = "http://csr.bu.edu/ftp/visda/2019/multi-source"

SETS: dict[str, PublishedSet] = {
    published.name: published
    for published in (
        PublishedSet(
            "office-home",
            "Office-Home",
            "Venkateswara et al., Deep Hashing Network for Unsupervised Domain Adaptation, "
            "CVPR 2017",
            "https://www.hemanthdv.org/officeHomeDataset.html",
            _FAIR_USE,
            "follow the page's link to Google Drive and save OfficeHomeDataset_10072016.zip",
            {"Art": (), "Clipart": (), "Product": (), "Real World": ("Real", "Rw")},
            65,
            (Archive("OfficeHomeDataset_10072016.zip", md5="b1c14819770c4448fd5b6d931031c91c"),),
            "flwrlabs/office-home?label=label&domain=domain"
            "&revision=d430d44779e929b335be368ab3456484e5de36bb",
            {"Art": 2427, "Clipart": 4365, "Product": 4439, "Real World": 4357},
            "office-home",
            "The MD5 is noted by several public projects, not by the authors.",
        ),
        PublishedSet(
            "office-31",
            "Office-31",
            "Saenko et al., Adapting Visual Category Models to New Domains, ECCV 2010",
            "https://faculty.cc.gatech.edu/~judy/domainadapt/",
            _UNSTATED,
            "follow the page's link to Google Drive and save domain_adaptation_images.tar.gz",
            {"Amazon": (), "Dslr": (), "Webcam": ()},
            31,
            (Archive("domain_adaptation_images.tar.gz", md5="1b536d114869a5a8aa4580b89e9758fb"),),
            None,
            {"Amazon": 2817, "Dslr": 498, "Webcam": 795},
            "office-31",
            "The MD5 is noted by two public projects, not by the authors.",
        ),
        PublishedSet(
            "visda-2017",
            "VisDA-2017 (VisDA-C), the classification track",
            "Peng et al., VisDA: The Visual Domain Adaptation Challenge, arXiv 1710.06924",
            "http://ai.bu.edu/visda-2017/",
            f"{_RESEARCH}; the images must not be passed on.",
            "save train.tar and validation.tar from the page",
            {"train": ("synthetic",), "validation": ("val",)},
            12,
            (
                Archive("train.tar", f"{_VISDA}/train.tar", domain="train"),
                Archive("validation.tar", f"{_VISDA}/validation.tar", domain="validation"),
            ),
            None,
            {"train": 152397, "validation": 55388},
        ),
        PublishedSet(
            "domainnet",
            "DomainNet, the cleaned version",
            "Peng et al., Moment Matching for Multi-Source Domain Adaptation, ICCV 2019",
            "http://ai.bu.edu/M3SDA/",
            _FAIR_USE,
            "save the domains' .zip files from the page",
            {
                "clipart": (),
                "infograph": (),
                "painting": (),
                "quickdraw": (),
                "real": (),
                "sketch": (),
            },
            345,
            tuple(
                Archive(f"{name}.zip", f"{_DOMAINNET}/{folder}{name}.zip", domain=name)
                for name, folder in (
                    ("clipart", "groundtruth/"),
                    ("infograph", ""),
                    ("painting", "groundtruth/"),
                    ("quickdraw", ""),
                    ("real", ""),
                    ("sketch", ""),
                )
            ),
            note="18 GB; LEAD uses painting, real and sketch (--domains). The published lists "
            "leave out duplicates that the archives may hold, so no counts are compared.",
        ),
        PublishedSet(
            "office-caltech-10",
            "Office-Caltech-10",
            "Gong et al., Geodesic Flow Kernel for Unsupervised Domain Adaptation, CVPR 2012",
            "https://faculty.cc.gatech.edu/~judy/domainadapt/",
            f"{_UNSTATED} Its images are those of Office-31 and Caltech-256.",
            "take the ten shared classes of Office-31 and of Caltech-256, or a copy of them",
            {"Amazon": (), "Caltech": ("Caltech10",), "DSLR": (), "Webcam": ()},
            10,
            images={"Amazon": 958, "Caltech": 1123, "DSLR": 157, "Webcam": 295},
        ),
        PublishedSet(
            "pacs",
            "PACS",
            "Li et al., Deeper, Broader and Artier Domain Generalization, ICCV 2017",
            "https://dali-dl.github.io/project_iccv2017.html",
            _UNSTATED,
            "follow the page's link to Google Drive and save the folder kfold",
            {"art_painting": ("art",), "cartoon": (), "photo": (), "sketch": ()},
            7,
            (),
            "flwrlabs/pacs?label=label&domain=domain"
            "&revision=394113073258ead631f617d2e13bb377c0715c4b",
            {"art_painting": 2048, "cartoon": 2344, "photo": 1670, "sketch": 3929},
        ),
        PublishedSet(
            "imageclef-da",
            "ImageCLEF-DA",
            "Caputo et al., ImageCLEF 2014: Overview and Analysis of the Results, CLEF 2014",
            "https://www.imageclef.org/2014/adaptation",
            f"{_UNSTATED} They come from Caltech-256, ImageNet and Pascal VOC.",
            "ask for the images there; what the challenge hands out are features",
            {
                "Caltech": ("c", "Caltech256"),
                "ImageNet": ("i",),
                "Pascal": ("p", "PascalVOC"),
            },
            12,
            images={"Caltech": 600, "ImageNet": 600, "Pascal": 600},
            note="Copies come with flat folders and lists: adapt reads these lists, get needs "
            "class folders.",
        ),
    )
}
_OTHERS = {"visda-c": "visda-2017", "visda": "visda-2017", "imageclef": "imageclef-da"}


def published_set(query: str) -> PublishedSet:
    """The data set of a name, in any case, with or without hyphens.

    Raises:
        UserError: there is none (the nearest is suggested).
    """
    names = {key(name): name for name in SETS} | {key(o): n for o, n in _OTHERS.items()}
    found = names.get(key(query))
    if found is None:
        raise UserError(
            f"no published data set {query!r}; {there_are(query, SETS)}. The classification "
            "sets come with `genmix-da classify train --data NAME --download`."
        )
    return SETS[found]
