"""The data sets that can be downloaded: where they are, and under which licence.

Addresses and checksums are those that the authors, or public loaders, publish; how they
are used is in ``downloads``.
"""

from __future__ import annotations

from napari_unet_nuclei.core.datasets.transfer import OnlineDataSet

_DSB2018 = {
    "licence": "CC0-1.0",
    "paper": "Caicedo et al., Nature Methods 16 (2019), 10.1038/s41592-019-0612-7",
}

DATA_SETS = {
    "dsb2018_fluorescence": OnlineDataSet(
        url="https://github.com/stardist/stardist/releases/download/0.1.0/dsb2018.zip",
        sha256="e44921950edce378063aa4457e625581ba35b4c2dbd9a07c19d48900129f386f",
        part="dsb2018/train",
        source=_DSB2018,
    ),
    "stage1_train": OnlineDataSet(
        url="https://github.com/ibmua/data-science-bowl-2018-train-set/raw/master/"
        "train-hand.zip",
        sha256="d218b8706cd7b9a2d7171268a6e99c7b0e94605af46521ff2ffd5a17708b1af6",
        source=_DSB2018,
    ),
    "tnbc": OnlineDataSet(
        url="https://zenodo.org/records/2579118/files/TNBC_NucleiSegmentation.zip",
        md5="1605712a752b201b57eacc8f866adb4f",  # Zenodo publishes no other digest
        n_bytes=25_232_361,
        images="*Slide_*/*.png",
        labels="*GT_*/*.png",
        source={
            "licence": "CC-BY-4.0",
            "doi": "10.5281/zenodo.2579118",
            "paper": "Naylor, Laé, Reyal, Walter, IEEE Transactions on Medical Imaging "
            "38 (2019), 10.1109/TMI.2018.2865709",
        },
    ),
    "fluorescence_tissue": OnlineDataSet(
        url="https://www.ebi.ac.uk/biostudies/files/S-BSST265/dataset.zip",
        sha256="8285987ed4d57c46a46a55a33c1c085875ea41f429b59cde31d249741aa07ad1",
        most_bytes=2_000_000_000,
        images="rawimages/*.tif",
        labels="groundtruth/*.tif",
        source={
            "licence": "CC0-1.0",
            "doi": "10.6019/S-BIAD634",
            "paper": "Kromp et al., Scientific Data 7:262 (2020), "
            "10.1038/s41597-020-00608-w",
        },
    ),
}
"""What can be downloaded, by name.

``dsb2018_fluorescence`` is the training part of the subset that StarDist's authors
chose; ``stage1_train`` has all stainings and the community's corrections; ``tnbc`` is
breast cancer in H&E, the corrected version 1.1; ``fluorescence_tissue`` is cells and
cryosections in DAPI, from several microscopes.
"""
