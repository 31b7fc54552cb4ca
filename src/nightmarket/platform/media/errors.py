"""The refusals of media; codes are stable."""

from nightmarket.kernel.problems import Kind, Problem


class PictureTooLarge(Problem):
    """Too many bytes or pixels."""

    code = "picture_too_large"
    kind = Kind.TOO_LARGE


class PictureUnsupported(Problem):
    """Not one of the kinds of picture that are taken."""

    code = "picture_unsupported"
    kind = Kind.UNSUPPORTED


class PictureUnreadable(Problem):
    """It says that it is a picture but cannot be decoded to its end."""

    code = "picture_unreadable"
    kind = Kind.UNPROCESSABLE


class MediaNotFound(Problem):
    """No picture with that hash, or no such width."""

    code = "media_not_found"
    kind = Kind.NOT_FOUND


PictureRefused = PictureTooLarge | PictureUnsupported | PictureUnreadable
